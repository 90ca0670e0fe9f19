"""Lets `python -m rgbd_seg` stand for the `rgbd-seg` program."""

import sys

from rgbd_seg.cli import main

if __name__ == "__main__":
    sys.exit(main())
