"""Recordings of the app Stray Scanner: `rgb.mp4` with colour, and for each of its pictures a `depth/000000.png`.

`odometry.csv` says when each was taken and, in newer versions, the camera of each; `camera_matrix.csv` has that of the
last. Depth is in millimetres, as PNG or NPY, and comes out of colour's camera: 256x192 for 1920x1440. Source:
docs/format.md of the app.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording.layouts.known_sets import Usual, geometry_of
from rgbd_seg.recording.layouts.partners import find_files, natural_key
from rgbd_seg.recording.pictures.camera_files import find_cameras
from rgbd_seg.recording.pictures.loading import depth_size
from rgbd_seg.recording.pictures.pair_reader import PictureOptions, PicturePair, PictureReader, times_of
from rgbd_seg.recording.pictures.sidecar import Geometry, Sidecar, read_sidecar, read_text
from rgbd_seg.recording.pictures.video_file import VideoFile
from rgbd_seg.recording.reader import RecordingInfo

VIDEO = "rgb.mp4"
_MAX_ODOMETRY_BYTES = 100_000_000


def matches(path: Path) -> bool:
    """Whether a path is a folder of a video and pictures of depth, with no pictures of colour."""
    return (path / VIDEO).is_file() and (path / "depth").is_dir() and not find_files(path)["color"]


def open_reader(path: Path, **options: str) -> VideoColorReader:
    """Opens a recording.

    Args:
        path: The folder.
        options: As of any folder of pictures.

    Raises:
        RecordingError: The video or depth cannot be read; the message says what is missing.
        ConfigurationError: An option is unknown or out of its range.
    """
    given, sidecar = PictureOptions.parse(options), read_sidecar(path) or Sidecar()
    depths = sorted(find_files(path)["depth"].values(), key=lambda file: natural_key(file.name))
    video = VideoFile(path / VIDEO)
    try:
        rows = {int(file.stem): file for file in depths if file.stem.isdecimal() and int(file.stem) < len(video)}
        if not rows:
            raise RecordingError(f"{path} has no depth pictures with the numbers of the pictures in {VIDEO}")
        moments, notes = _odometry(path)
        fps = given.fps or sidecar.fps
        times = [moments[row].time_us if row in moments else None for row in rows]
        if fps:
            times_us = [round(row * 1e6 / fps) for row in rows]
        elif None in times or sorted(times) != times:  # type: ignore[type-var]
            times_us = [int(video.times_us[row]) for row in rows]
        else:
            times_us = [time for time in times if time is not None]
        pairs = [
            PicturePair(video.path, file, row, time_us - times_us[0])
            for (row, file), time_us in zip(rows.items(), times_us, strict=True)
        ]
        cameras = find_cameras(path)
        usual = Usual("a phone's recording", same_camera=True)
        left_out = len(depths) - len(rows)
        info = RecordingInfo(
            path=path,
            layout="Stray Scanner",
            name=sidecar.name or path.resolve().name,
            details={"calibration": ", ".join(cameras.sources)} if cameras.sources else {},
            warnings=(f"{left_out} depth pictures have no picture in {VIDEO} and are left out",) if left_out else (),
            notes=(*usual.notes, *cameras.notes, *notes),
        )
        geometry = geometry_of(given, sidecar, cameras, usual)
        invalid = given.invalid_depth if given.invalid_depth is not None else sidecar.invalid_depth or 0
        lenses = {row: moment.lens for row, moment in moments.items() if moment.lens and not sidecar.intrinsics}
        return VideoColorReader(video, lenses, info, pairs, geometry, invalid)
    except BaseException:
        video.close()
        raise


class VideoColorReader(PictureReader):
    """Pictures of depth, and colour out of a video."""

    def __init__(
        self,
        video: VideoFile,
        lenses: dict[int, tuple[float, float, float, float]],
        info: RecordingInfo,
        pairs: list[PicturePair],
        geometry: Geometry,
        invalid_depth: int,
    ) -> None:
        """Takes the video over, and closes it in the end.

        Args:
            video: Colour.
            lenses: Of rows of the video whose camera is known: fx, fy, cx, cy.
            info: What the recording is.
            pairs: The frames in order; their index is a row of the video.
            geometry: How pictures become metres.
            invalid_depth: A count that means "no return" besides 0.
        """
        self._video, self._lenses = video, lenses
        super().__init__(info, pairs, times_of(pairs), geometry, invalid_depth)

    def close(self) -> None:
        self._video.close()

    def _first_usable(self) -> PicturePair:
        depth_size(self._pairs[0].depth)
        return self._pairs[0]

    def _color_size(self, pair: PicturePair) -> tuple[int, int]:
        return self._video.size

    def _read_color(self, pair: PicturePair) -> NDArray[np.uint8]:
        return self._video.read(pair.index)

    def _calibration(self, pair: PicturePair, depth: NDArray[np.generic]) -> Calibration:
        found = super()._calibration(pair, depth)
        lens = self._lenses.get(pair.index)
        if lens is None:
            return found
        try:
            return replace(found, color=Intrinsics(found.color.width, found.color.height, *lens), origin="file")
        except ConfigurationError as error:
            raise RecordingError(f"the camera of frame {pair.index} in odometry.csv is none: {error}") from None


@dataclass(frozen=True, slots=True)
class _Moment:
    """A row of `odometry.csv`."""

    time_us: int
    lens: tuple[float, float, float, float] | None


def _odometry(path: Path) -> tuple[dict[int, _Moment], tuple[str, ...]]:
    """The rows by number of the frame; nothing and a sentence if they cannot be read."""
    file = path / "odometry.csv"
    moments: dict[int, _Moment] = {}
    if not file.is_file():
        return moments, ()
    try:
        for row in csv.DictReader(read_text(file, _MAX_ODOMETRY_BYTES).splitlines(), skipinitialspace=True):
            fx, fy, cx, cy = (float(row.get(key) or 0) for key in ("fx", "fy", "cx", "cy"))
            lens = (fx, fy, cx, cy) if fx else None
            moments[int(row["frame"])] = _Moment(round(float(row["timestamp"]) * 1e6), lens)
    except (KeyError, ValueError, TypeError, OverflowError, csv.Error) as error:
        return {}, (f"odometry.csv cannot be used ({error!r:.100}): times are those of the video.",)
    return moments, ()
