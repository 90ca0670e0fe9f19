"""Records what a software camera of librealsense delivers into a .db3 file: the whole real path without a camera.

Run as a script, because librealsense's recorder is best left to a process of its own:
`python realsense_file.py OUT.db3 SCENE` where SCENE is one of the functions below.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT, FX = 320, 240, 300.0
BASELINE_M = 0.05
UNIT_M = 0.001
FRAMES = 12
NEAR, FAR = 600, 2000  # Depth counts of the foreground square and of the wall behind it.
SQUARE = (slice(90, 150), slice(130, 190))
SERIAL = "832112070255"


def scene(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Colour that tells its own number, and a near square before a far wall, as the depth camera sees it."""
    color = np.full((HEIGHT, WIDTH, 3), (number, 2 * number, 255 - number), np.uint8)
    depth = np.full((HEIGHT, WIDTH), FAR, np.uint16)
    depth[SQUARE] = NEAR + number
    return color, depth


def take_metadata_out(source: Path, out: Path, *, only: int | None = None) -> None:
    """A copy of a recording without the records that lie beside its pictures; of all frames, or of one."""
    shutil.copy(source, out)
    with closing(sqlite3.connect(out)) as database:
        topics = database.execute("select id from topics where name like '%image/metadata'").fetchall()
        for topic in topics:
            rows = database.execute("select id from messages where topic_id = ? order by timestamp", topic).fetchall()
            gone = rows if only is None else rows[only : only + 1]
            database.executemany("delete from messages where id = ?", gone)
        database.commit()


def _intrinsics(rs: Any) -> Any:
    item = rs.intrinsics()
    item.width, item.height, item.fx, item.fy = WIDTH, HEIGHT, FX, FX
    item.ppx, item.ppy, item.model, item.coeffs = WIDTH / 2, HEIGHT / 2, rs.distortion.none, [0.0] * 5
    return item


def record(path: str, kind: str = "pairs") -> None:
    """Writes `FRAMES` pairs.

    Args:
        path: Where.
        kind: "late-color": colour has half the rate of depth. "equal-numbers": two pairs each have the same numbers.
            "clock-back": half-way the camera's clock goes back half a second. "aligned": both cameras are one.
    """
    import pyrealsense2 as rs

    device = rs.software_device()
    for key, text in (("name", "Software D435"), ("serial_number", SERIAL), ("firmware_version", "5.16.0.1")):
        device.register_info(getattr(rs.camera_info, key), text)
    depth_camera, color_camera = device.add_sensor("Stereo Module"), device.add_sensor("RGB Camera")
    streams = []
    kinds = ((depth_camera, rs.stream.depth, rs.format.z16, 2), (color_camera, rs.stream.color, rs.format.rgb8, 3))
    for uid, (camera, what, pixel_format, size) in enumerate(kinds):
        stream = rs.video_stream()
        stream.type, stream.fmt, stream.bpp, stream.uid, stream.index = what, pixel_format, size, uid, 0
        stream.width, stream.height, stream.fps, stream.intrinsics = WIDTH, HEIGHT, 30, _intrinsics(rs)
        streams.append(camera.add_video_stream(stream))
    depth_camera.add_read_only_option(rs.option.depth_units, UNIT_M)
    shift = rs.extrinsics()
    baseline_m = 0.0 if kind == "aligned" else BASELINE_M
    shift.rotation, shift.translation = [1, 0, 0, 0, 1, 0, 0, 0, 1], [baseline_m, 0, 0]
    streams[0].register_extrinsics_to(streams[1], shift)

    recorder = rs.recorder(path, device)
    for camera in recorder.query_sensors():
        camera.open(camera.get_stream_profiles())
        camera.start(lambda frame: None)
    for number in range(FRAMES):
        color, depth = scene(number)
        for camera, stream, pixels in ((depth_camera, streams[0], depth), (color_camera, streams[1], color)):
            if kind == "late-color" and camera is color_camera and number % 2:
                continue
            frame = rs.software_video_frame()
            frame.pixels, frame.bpp = pixels, pixels.nbytes // (WIDTH * HEIGHT)
            frame.stride = WIDTH * frame.bpp
            back_ms = 500 if kind == "clock-back" and number >= FRAMES // 2 else 0
            frame.timestamp, frame.domain = 1000 + number * 100 / 3 - back_ms, rs.timestamp_domain.hardware_clock
            counted = number // 2 if kind == "equal-numbers" else number
            frame.frame_number, frame.profile = counted + 1, stream.as_video_stream_profile()
            camera.on_video_frame(frame)
        time.sleep(0.005)
    for camera in recorder.query_sensors():
        camera.stop()
        camera.close()


if __name__ == "__main__":
    record(*sys.argv[1:])
