"""Counts the chairs (or what else) in every frame of a recording: connected regions of the class.

python count_regions.py RECORDING MODEL CLASS
"""

import sys
from collections import Counter

import cv2
import numpy as np

import rgbd_seg

MIN_AREA_PIXELS = 500


def main(recording: str, model: str, name: str) -> Counter[int]:
    frames_with: Counter[int] = Counter()
    for _, result in rgbd_seg.stream(recording, model, every_frame=True):
        mask = result.mask(name, min_confidence=0.5).astype(np.uint8)
        _, _, boxes, _ = cv2.connectedComponentsWithStats(mask)
        areas = boxes[1:, cv2.CC_STAT_AREA]  # The first row is everything else.
        frames_with[int((areas >= MIN_AREA_PIXELS).sum())] += 1
    for count, frames in sorted(frames_with.items()):
        print(f"{count} x {name}: {frames} frames")
    return frames_with


if __name__ == "__main__":
    main(*sys.argv[1:4])
