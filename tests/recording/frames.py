"""Generated frames for the tests of recordings: small, with holes and noise in depth, different in every frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import RecordingError
from rgbd_seg.frame import RgbdFrame, Segmentation, Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rgbd_seg.recording.reader import RecordingReader, StoredFrame

WIDTH, HEIGHT = 64, 48
PERIOD_NS = 33_333_333
START_NS = 5_000_000_000


def make_calibration(width: int = WIDTH, height: int = HEIGHT) -> Calibration:
    """A camera with distortion and an unusual depth unit."""
    intrinsics = Intrinsics(width, height, 55.25, 55.5, 31.75, 23.5, (0.1, -0.2, 0.001, 0.002, 0.03))
    return Calibration(intrinsics, depth_unit_m=0.000125, registered=True, origin="device")


def make_frame(
    index: int, calibration: Calibration | None = None, *, truth: LabelSet | None = None, host_ns: int | None = None
) -> RgbdFrame:
    """Frame number `index` of an imagined camera with 30 frames a second."""
    calibration = calibration or make_calibration()
    height, width = calibration.color.height, calibration.color.width
    random = np.random.default_rng(index)
    rows, columns = np.mgrid[:height, :width]
    color = np.stack([rows * 3 % 256, columns * 3 % 256, np.full_like(rows, index * 7 % 256)], -1).astype(np.uint8)
    depth = (8000 + rows * 20 + random.integers(0, 30, (height, width)) + index).astype(np.uint16)
    depth[random.random((height, width)) < 0.1] = 0
    labels = None
    if truth is not None:
        ids = ((rows // 8 + columns // 8 + index) % (len(truth) + 1)).astype(np.uint8)
        labels = Truth(ids, truth, (ids.astype(np.uint16) * 300 + index).astype(np.uint16))
    return RgbdFrame(
        color=color,
        depth=depth,
        calibration=calibration,
        index=index,
        host_ns=START_NS + index * PERIOD_NS if host_ns is None else host_ns,
        device_us=1_000_000 + index * 33_333,
        truth=labels,
    )


def readable_frames(reader: RecordingReader) -> Iterator[tuple[int, StoredFrame]]:
    """Position and content of what a damaged recording of `make_frame` still gives, which must be what was written."""
    for position in range(len(reader)):
        try:
            frame = reader.read(position)
        except RecordingError:
            continue
        assert np.array_equal(frame.depth, make_frame(frame.index).depth)
        yield position, frame


def make_segmentation(frame: RgbdFrame, label_set: LabelSet) -> Segmentation:
    """What an imagined network saw in a frame."""
    labels = ((frame.depth // 64 + frame.index) % (len(label_set) + 1)).astype(np.uint8)
    return Segmentation(frame, labels, None, label_set, {"network": 0.01}, "imagined", "ab" * 32, "in a dream")


def small_recordings(folder: Path) -> list[bytes]:
    """A few good files: each way of packing, with labels and a gap, and one that was never finished."""
    calibration, labels = make_calibration(16, 12), LabelSet.load("sunrgbd13")
    found = []
    for packing, color in (("zstd", "png"), ("lz4", "jpeg"), ("none", "jpeg")):
        path = folder / f"seed-{packing}.mcap"
        path.unlink(missing_ok=True)
        options = WriterOptions(color=color, compression=packing, chunk_bytes=3000)  # type: ignore[arg-type]
        with RecordingWriter(path, calibration, options=options) as writer:
            for index in (0, 1, 3, 4):
                writer.write(make_frame(index, calibration, truth=labels))
        found.append(path.read_bytes())
    return [*found, found[0][: len(found[0]) * 2 // 3]]
