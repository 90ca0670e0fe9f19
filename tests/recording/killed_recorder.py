"""A program for the tests that records until it is killed; run as `python killed_recorder.py`.

Each line on standard input, "PATH SECONDS", forks one process that records 30 frames a second into PATH and finishes
the file after SECONDS, if it lives so long. Its number is printed. What it has offered stands in PATH.log: for each
frame its index, the time, and how many frames waited for the recorder's thread, 24 bytes each. Forking saves the tests
from importing everything for each of many processes.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from dataclasses import replace

from rgbd_seg.pipeline.recorder import Recorder, RecorderOptions
from rgbd_seg.sensors.sensor import SensorInfo
from tests.recording.frames import make_calibration, make_frame

OFFERED = struct.Struct("<qqq")


def record(path: str, seconds: float) -> None:
    """Records generated frames in real time."""
    calibration = make_calibration()
    source = SensorInfo("imagined:", "Imagined camera", "camera")
    log = os.open(path + ".log", os.O_WRONLY | os.O_CREAT, 0o600)
    begin = time.monotonic()
    with Recorder(path, calibration, source, options=RecorderOptions(min_free_bytes=0)) as recorder:
        index = 0
        while time.monotonic() - begin < seconds:
            now_ns = time.monotonic_ns()
            recorder.offer(replace(make_frame(index, calibration), host_ns=now_ns))
            os.write(log, OFFERED.pack(index, now_ns, recorder.status().queued_frames))
            index += 1
            time.sleep(max(0.0, begin + index / 30 - time.monotonic()))


def main() -> None:
    """Forks a recording for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for the killed ones.
    for line in sys.stdin:
        path, seconds = line.rsplit(maxsplit=1)
        child = os.fork()
        if child == 0:
            record(path, float(seconds))
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
