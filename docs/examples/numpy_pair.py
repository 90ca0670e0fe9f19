"""Segments one pair of pictures: colour, and depth in millimetres on the same pixels.

python numpy_pair.py color.png depth.png overlay.png
"""

import sys

import cv2
import numpy as np

import rgbd_seg


def main(color_path: str, depth_path: str, overlay_path: str) -> rgbd_seg.Result:
    color, depth = cv2.imread(color_path), cv2.imread(depth_path, cv2.IMREAD_UNCHANGED)
    if color is None or depth is None:
        raise SystemExit(f"cannot read {color_path} and {depth_path}")
    height, width = depth.shape
    # Of your camera, in pixels; areas and distances depend on it, labels do not.
    lens = rgbd_seg.Intrinsics(width, height, fx=0.82 * width, fy=0.82 * width, cx=width / 2, cy=height / 2)
    rgb = np.asarray(color[..., ::-1], np.uint8)  # OpenCV reads blue first.
    with rgbd_seg.open_model("demo") as model:
        result = model(rgb, depth, depth_unit_m=0.001, intrinsics=lens)
    for name, area_m2 in result.areas().items():
        print(f"{name}: {area_m2:.2f} m², nearest {result.nearest(name):.2f} m")
    cv2.imwrite(overlay_path, result.overlay()[..., ::-1])
    return result


if __name__ == "__main__":
    main(*sys.argv[1:4])
