"""What published data sets have that their files do not say: camera, depth unit, registration. Told when used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.calibration import Intrinsics
from rgbd_seg.errors import RecordingError
from rgbd_seg.recording.pictures.loading import read_depth
from rgbd_seg.recording.pictures.pair_reader import PictureReader
from rgbd_seg.recording.pictures.sidecar import Geometry, read_json

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.recording.layouts.partners import Files
    from rgbd_seg.recording.pictures.camera_files import Cameras
    from rgbd_seg.recording.pictures.pair_reader import PictureOptions
    from rgbd_seg.recording.pictures.sidecar import Sidecar

_MILLIMETRE = 0.001
_SEVEN_SCENES = re.compile(r"frame-\d+\.color\.(png|jpg)$", re.IGNORECASE)
_NYU_RAW = re.compile(r"r-\d+(\.\d+)?-\d+\.(ppm|pnm|png|jpg)$")
_MATTERPORT = re.compile(r"[0-9a-f]{8,}_i\d+_\d+\.jpg$")
_REPLICA = re.compile(r"frame\d+\.(jpg|png)$")


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for a layout, where neither an option nor a file says otherwise.

    Attributes:
        name: Of the data set, "" where it is none that is known.
        depth_unit_m: Metres per count.
        registered: Whether its depth lies on colour.
        camera: Its camera, for one picture size.
        same_camera: Whether depth comes out of colour's own camera, whatever its size.
        fps: Pictures a second, None where it does not say.
        is_raw_kinect: Whether depth is the first Kinect's own counts of disparity.
    """

    name: str = ""
    depth_unit_m: float = _MILLIMETRE
    registered: bool = True
    camera: Intrinsics | None = None
    same_camera: bool = False
    is_raw_kinect: bool = False
    fps: float | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for granted, in whole sentences."""
        if not self.name:
            return ()
        unit = "the Kinect's raw counts" if self.is_raw_kinect else f"{self.depth_unit_m * 1000:g} mm a count"
        lies = "registered" if self.registered else "not registered"
        return (f"Read as {self.name} by its names: {unit}, {lies} where no file says otherwise.",)


def usual_of(path: Path, files: Files) -> Usual:
    """What a folder is by the names in it."""
    color, depth = (next(iter(files[role].values()), path) for role in ("color", "depth"))
    if _SEVEN_SCENES.match(color.name) and any(path.glob("frame-*.pose.txt")):
        if any((place / "info.txt").is_file() for place in (path, path.resolve().parent)):
            return Usual("BundleFusion")
        # As its authors describe it: depth was not registered, and the focal length is 585.
        return Usual("7-Scenes", registered=False, camera=Intrinsics(640, 480, 585.0, 585.0, 320.0, 240.0))
    if _NYU_RAW.match(color.name):
        kinect = Intrinsics(640, 480, 518.858, 519.470, 325.582, 253.736)  # camera_params.m of NYU's toolbox.
        is_raw = depth.suffix.lower() in (".pgm", ".pnm")
        return Usual("NYU's raw recordings", registered=False, camera=kinect, is_raw_kinect=is_raw)
    if _MATTERPORT.match(color.name):
        return Usual("Matterport3D", depth_unit_m=0.00025, registered=True)
    if _REPLICA.match(color.name) and depth.name.lower().startswith("depth"):
        # As NICE-SLAM renders it; cam_params.json says the same where it is there.
        return Usual("Replica", depth_unit_m=1 / 6553.5, camera=Intrinsics(1200, 680, 600.0, 600.0, 599.5, 339.5))
    if depth.suffix.lower() == ".npy" and "depth" in depth.parent.name.lower() and "left" in depth.parent.name.lower():
        return Usual("TartanAir", camera=Intrinsics(640, 480, 320.0, 320.0, 320.0, 240.0))
    fps = _record3d_fps(path)
    if fps is not None:
        return Usual("Record3D's export", same_camera=True, fps=fps or None)
    if "wide" in color.parent.name.lower() or (path / "camera_matrix.csv").is_file():
        return Usual("a phone's recording", same_camera=True)
    return Usual()


def _record3d_fps(path: Path) -> float | None:
    """Pictures a second (0 where it does not say) if `metadata` or `metadata.json` is Record3D's, else None."""
    for name in ("metadata", "metadata.json"):
        if not (path / name).is_file():
            continue
        try:
            about = read_json(path / name)
        except RecordingError:
            continue
        if isinstance(about, dict) and "K" in about and {"w", "h"} <= about.keys():
            fps = about.get("fps")
            return float(fps) if isinstance(fps, int | float) and 0.001 <= fps <= 1000 else 0.0
    return None


def geometry_of(given: PictureOptions, sidecar: Sidecar, cameras: Cameras, usual: Usual) -> Geometry:
    """How pictures become metres: the options first, then the sidecar, then other calibration files, then the usual."""
    intrinsics_by, unit_by, registered_by = given.origins(sidecar)
    unit_m = given.depth_unit_m or sidecar.depth_unit_m
    if not unit_m and cameras.depth_unit_m:
        unit_m, unit_by = cameras.depth_unit_m, "file"
    told = [value for value in (given.registered, sidecar.registered) if value is not None]
    registered = told[0] if told else usual.registered
    # Two calibrations say that depth was taken by a camera of its own; a person may know that it was moved since.
    apart = cameras.depth is not None and cameras.color is not None and not told and not usual.same_camera
    return Geometry(
        depth_unit_m=unit_m or usual.depth_unit_m,
        registered=registered,
        intrinsics=sidecar.intrinsics,
        matrix=cameras.color or (cameras.depth if registered else None),
        usual=usual.camera,
        depth_matrix=cameras.depth if apart and sidecar.intrinsics is None else None,
        to_color=cameras.to_color,
        same_camera=usual.same_camera,
        origins=(intrinsics_by, unit_by, registered_by),
    )


class RawKinectReader(PictureReader):
    """NYU's dumps: depth as the first Kinect's disparity, with the bytes of each count exchanged."""

    def _read_depth(self, path: Path) -> NDArray[np.uint16]:
        return metres_of_disparity(read_depth(path).byteswap())


def metres_of_disparity(raw: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Millimetres from the first Kinect's counts, 2047 being a hole.

    Source: NYU Depth V2's toolbox, `imgDepthAbs = 0.3513e3 / (1.0925e3 - imgDepth)`; beyond 10 m it says nothing.
    """
    counts = np.arange(65536, dtype=np.float64)
    with np.errstate(divide="ignore"):
        metres = 351.3 / (1092.5 - counts)
    table = np.where((metres > 0) & (metres <= 10) & (counts < 2047), np.round(metres * 1000), 0).astype(np.uint16)
    return table[raw]
