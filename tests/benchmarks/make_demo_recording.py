"""Makes the bundled demo recording: `python tests/benchmarks/make_demo_recording.py assets/recordings/demo.mcap`.

Six seconds of a walk through a living room as an Xtion sees it, with exact labels. Frames are stamped by the walk's
own clock, so that the file is as smooth on a slow or busy machine.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions
from rgbd_seg.sensors import open_sensor

SOURCE = "synthetic:?seed=7&room=living&camera=xtion&size=480x360&fps=0"
FRAMES, FPS = 96, 15
STARTED_NS = 1_767_225_600 * 10**9  # 2026-01-01, so that the same program makes the same file.


def main() -> None:
    """Renders and writes; refuses to overwrite, as every recording does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    output: Path = parser.parse_args().output
    options = WriterOptions(jpeg_quality=85, epoch_offset_ns=STARTED_NS)
    with open_sensor(SOURCE) as sensor:
        sensor.set_control("speed", 30 / FPS)  # A source without a rate walks one 30th of a second a frame.
        details = {"uri": SOURCE, **sensor.info.details}
        with RecordingWriter(
            output, sensor.calibration, name=sensor.info.name, details=details, options=options
        ) as writer:
            for number in range(FRAMES):
                stamp_us = round(number * 1e6 / FPS)
                writer.write(replace(sensor.read(60.0), host_ns=stamp_us * 1000, device_us=stamp_us))
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
