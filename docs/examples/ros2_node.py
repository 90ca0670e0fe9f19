"""A ROS 2 node that publishes what a camera sees, segmented: colour, depth, labels and overlay.

    python ros2_node.py SOURCE MODEL

It needs a sourced ROS 2 (rclpy, sensor_msgs), which is no dependency of rgbd_seg. Topics: ~/color, ~/depth (16UC1 in
millimetres), ~/labels (8UC1, ids of the model's classes), ~/overlay, ~/camera_info.
"""

import sys

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

import rgbd_seg


def image(picture: NDArray[np.generic], encoding: str, header: Header) -> Image:
    height, width = picture.shape[:2]
    step = picture.strides[0]
    return Image(
        header=header, height=height, width=width, encoding=encoding, is_bigendian=0, step=step, data=picture.tobytes()
    )


def camera_info(lens: rgbd_seg.Intrinsics, header: Header) -> CameraInfo:
    k = [lens.fx, 0.0, lens.cx, 0.0, lens.fy, lens.cy, 0.0, 0.0, 1.0]
    return CameraInfo(header=header, height=lens.height, width=lens.width, k=k, d=[float(v) for v in lens.distortion])


def main(source: str, model: str) -> None:
    rclpy.init()
    node = Node("rgbd_seg")
    kinds = {"color": Image, "depth": Image, "labels": Image, "overlay": Image, "camera_info": CameraInfo}
    publishers = {
        name: node.create_publisher(kind, f"~/{name}", qos_profile_sensor_data) for name, kind in kinds.items()
    }
    for frame, result in rgbd_seg.stream(source, model):
        if not rclpy.ok():
            break
        header = Header(stamp=node.get_clock().now().to_msg(), frame_id="camera_color_optical_frame")
        millimetres = np.clip(np.round(frame.depth * (frame.calibration.depth_unit_m * 1000)), 0, 65535).astype("<u2")
        publishers["color"].publish(image(frame.color, "rgb8", header))
        publishers["depth"].publish(image(millimetres, "16UC1", header))
        publishers["labels"].publish(image(result.labels, "8UC1", header))
        publishers["overlay"].publish(image(result.overlay(), "rgb8", header))
        publishers["camera_info"].publish(camera_info(frame.calibration.color, header))
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:3])
