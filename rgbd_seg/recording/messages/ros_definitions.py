"""The definitions of ROS messages that a recording carries along: those of ROS 2, without comments."""

from __future__ import annotations

_LINE = "=" * 80
_TIME = f"{_LINE}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
_HEADER = f"{_LINE}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n{_TIME}"
_REGION = (
    f"{_LINE}\nMSG: sensor_msgs/RegionOfInterest\nuint32 x_offset\nuint32 y_offset\nuint32 height\nuint32 width\n"
    "bool do_rectify\n"
)

#: By the type's name in ROS 2: its own fields, then those of the types in it, as MCAP's `ros2msg` schemas are.
DEFINITIONS = {
    "sensor_msgs/msg/Image": (
        "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\n"
        f"uint8[] data\n{_HEADER}"
    ),
    "sensor_msgs/msg/CompressedImage": f"std_msgs/Header header\nstring format\nuint8[] data\n{_HEADER}",
    "sensor_msgs/msg/CameraInfo": (
        "std_msgs/Header header\nuint32 height\nuint32 width\nstring distortion_model\nfloat64[] d\nfloat64[9] k\n"
        "float64[9] r\nfloat64[12] p\nuint32 binning_x\nuint32 binning_y\nsensor_msgs/RegionOfInterest roi\n"
        f"{_HEADER}{_REGION}"
    ),
}
