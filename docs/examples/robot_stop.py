"""Stops a robot while something of a class is nearer than a metre.

    python robot_stop.py SOURCE MODEL CLASS        # such as realsense: my-model.safetensors person

Small models see a little of everything everywhere: the confidence and the number of pixels that count are what makes
this usable. Depth cameras are blind at very short range; a bumper or a scanner belongs beside this.
"""

import sys

import rgbd_seg

STOP_M = 1.0
MIN_CONFIDENCE = 0.8
MIN_PIXELS = 500


def main(source: str, model: str, name: str) -> None:
    stopped = False
    with rgbd_seg.stream(source, model) as frames:
        for frame, result in frames:
            distance_m = result.nearest(name, min_confidence=MIN_CONFIDENCE, min_pixels=MIN_PIXELS)
            if stopped != (distance_m < STOP_M):
                stopped = not stopped
                print(f"frame {frame.index}: {'STOP' if stopped else 'go'}, {name} at {distance_m:.2f} m", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
