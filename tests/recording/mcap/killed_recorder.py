"""A program for the tests that records until it is killed; run as `python killed_recorder.py`.

Each line on standard input, "PATH SECONDS", forks one process that records 30 frames a second into PATH and finishes
the file after SECONDS, if it lives so long. Its number is printed. Forking saves the tests from importing everything
for each of many processes. Three files beside PATH say what happened, whenever it is killed:

    PATH.offered   for each frame that was offered: its index and the time, 16 bytes
    PATH.handed    after each chunk that the system took: how many frames it has then, 8 bytes
    PATH.clock     the time now, 8 bytes that are written over again and again

Times are nanoseconds of the process's own clock, which stands still while the process is not given a processor: what
an overloaded machine does to it is not what is tested.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import threading
import time
from dataclasses import replace

from rgbd_seg.pipeline.recorder import Recorder, RecorderOptions
from rgbd_seg.recording.mcap.writer import RecordingWriter
from rgbd_seg.sensors.sensor import SensorInfo
from tests.recording.frames import make_calibration, make_frame

OFFERED, HANDED, CLOCK = struct.Struct("<qq"), struct.Struct("<q"), struct.Struct("<q")
_TICK_S = 0.01


class OwnClock:
    """Counts naps of 10 ms; one that takes more than twice as long counts as twice as long."""

    def __init__(self, log: int) -> None:
        self.now_ns = 0
        self._log = log
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        last = time.monotonic()
        while True:
            time.sleep(_TICK_S)
            now = time.monotonic()
            self.now_ns += int(min(now - last, 2 * _TICK_S) * 1e9)
            last = now
            os.pwrite(self._log, CLOCK.pack(self.now_ns), 0)


def record(path: str, seconds: float) -> None:
    """Records generated frames in real time."""
    calibration = make_calibration()
    source = SensorInfo("imagined:", "Imagined camera", "camera")
    offered, handed, ticks = (
        os.open(f"{path}.{kind}", os.O_WRONLY | os.O_CREAT, 0o600) for kind in ("offered", "handed", "clock")
    )
    flush = RecordingWriter.flush

    def noted(writer: RecordingWriter) -> None:
        flush(writer)
        os.write(handed, HANDED.pack(writer.frames))

    RecordingWriter.flush = noted  # type: ignore[method-assign]
    clock = OwnClock(ticks)
    begin = time.monotonic()
    with Recorder(path, calibration, source, options=RecorderOptions(min_free_bytes=0)) as recorder:
        index = 0
        while time.monotonic() - begin < seconds:
            recorder.offer(replace(make_frame(index, calibration), host_ns=time.monotonic_ns()))
            os.write(offered, OFFERED.pack(index, clock.now_ns))
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
