"""Whatever a camera may deliver comes back from an MCAP file: properties over generated frames."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.recording.layouts.mcap import McapReader
from rgbd_seg.recording.mcap.writer import RecordingWriter, WriterOptions

numbers = st.floats(0.01, 1e4)
any_int64 = st.integers(0, 2**62)


@st.composite
def calibrations(draw: st.DrawFn) -> Calibration:
    width, height = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    distortion = draw(st.one_of(st.just(()), st.tuples(*[st.floats(-1, 1)] * 5)))
    lens = Intrinsics(width, height, draw(numbers), draw(numbers), draw(numbers), draw(numbers), distortion)
    return Calibration(lens, draw(st.floats(1e-7, 1)), draw(st.booleans()), "device")


@st.composite
def recordings(draw: st.DrawFn) -> list[RgbdFrame]:
    calibration = draw(calibrations())
    size = (calibration.color.height, calibration.color.width)
    host_ns, index, frames = draw(st.integers(0, 2**50)), draw(st.integers(0, 2**31)), []
    for _ in range(draw(st.integers(1, 6))):
        color = draw(arrays(np.uint8, (*size, 3)))
        depth = draw(arrays(np.uint16, size))
        device_us = draw(st.one_of(st.none(), any_int64))
        frames.append(RgbdFrame(color, depth, calibration, index, host_ns, device_us))
        host_ns += draw(st.integers(1, 10**10))
        index += draw(st.integers(1, 100))
    return frames


@settings(max_examples=40, deadline=None)
@given(
    frames=recordings(),
    compression=st.sampled_from(["zstd", "lz4", "none"]),
    chunk_bytes=st.sampled_from([1, 2000, 4 << 20]),
)
def test_every_frame_comes_back_bit_for_bit(frames: list[RgbdFrame], compression: str, chunk_bytes: int) -> None:
    options = WriterOptions("png", compression=compression, chunk_bytes=chunk_bytes, sync_s=None, epoch_offset_ns=0)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mcap"
        with RecordingWriter(path, frames[0].calibration, options=options) as writer:
            for frame in frames:
                writer.write(frame)
        with McapReader(path) as reader:
            assert reader.start_ns == frames[0].host_ns
            assert sum(gap.frames for gap in reader.info.gaps) == frames[-1].index - frames[0].index + 1 - len(frames)
            for frame, stored in zip(frames, reader, strict=True):
                assert np.array_equal(stored.color, frame.color)
                assert np.array_equal(stored.depth, frame.depth)
                assert stored.calibration == frame.calibration
                assert (stored.index, stored.device_us) == (frame.index, frame.device_us)
                assert stored.time_us == (frame.host_ns - frames[0].host_ns) // 1000
