"""SUN RGB-D on disk: the whole tree, any part of it, or one frame's folder.

A frame is a folder with one picture in `image/` and one in `depth/` (raw) or `depth_bfx/` (holes filled), and
`intrinsics.txt`. Labels come from a prepared map, in the frame's own `label/` or in the tree that
`python -m training prepare` makes (`label/<frame>.png`), or from the outlines in `annotation2Dfinal/index.json`.
Pictures differ in size from camera to camera, so every frame has its own calibration.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics, Origin
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import Prediction, Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.layouts.partners import natural_key
from rgbd_seg.recording.layouts.sunrgbd_names import LABEL_SET
from rgbd_seg.recording.layouts.sunrgbd_polygons import draw_labels, read_polygons
from rgbd_seg.recording.pictures.frame_list import CALIBRATION_FOLDER, Stamp, gaps_of, read_stamps
from rgbd_seg.recording.pictures.loading import (
    COLOR_SUFFIXES,
    DEPTH_SUFFIXES,
    LABEL_SUFFIXES,
    UnreadablePictureError,
    read_depth,
)
from rgbd_seg.recording.pictures.pair_reader import (
    PicturePair,
    PictureReader,
    number_option,
    refuse_unknown,
    regular_times_us,
)
from rgbd_seg.recording.pictures.sidecar import SIDECAR, Geometry, Matrix, Sidecar, find_matrix, read_sidecar, read_text
from rgbd_seg.recording.reader import RecordingInfo

DepthKind = Literal["raw", "refined"]
LabelSource = Literal["auto", "polygons", "prepared", "none"]

_TOP = "SUNRGBD"
_LABELS = "label"
POLYGONS = Path("annotation2Dfinal") / "index.json"
#: Under which the details say whether depth is raw or refined.
KIND_NOTE = "kind of depth"
#: The four cameras by the folder that holds their frames.
CAMERAS = {"kv1": "Kinect v1", "kv2": "Kinect v2", "realsense": "Intel RealSense", "xtion": "Asus Xtion"}

_DEPTH_FOLDERS: dict[DepthKind, tuple[str, str]] = {"raw": ("depth", "depth_bfx"), "refined": ("depth_bfx", "depth")}
# The data set says of all its pictures that they are registered and in millimetres.
_TOLD: tuple[Origin, Origin, Origin] = ("file", "file", "file")
# Single pictures have no rate; this one leaves time to look at each.
_DEFAULT_FPS = 2.0
# The deepest frames lie six levels below the folder SUNRGBD (xtion/sun3ddata/...); one more for what holds it.
_MAX_DEPTH = 8
_LOOK_AT_MOST = 3000
# From a frame up to the root of an exported tree: <camera>/<recording>/<frame>.
_SIDECAR_LEVELS = 3


def matches(path: Path) -> bool:
    """Whether a folder is a frame of SUN RGB-D or holds one within a few levels."""
    if not path.is_dir():
        return False
    return next(_walk(path, limit=_LOOK_AT_MOST), None) is not None


def open_reader(path: Path, **options: str) -> SunrgbdReader:
    """Opens a SUN RGB-D tree, any folder within it, or one frame.

    Args:
        path: The folder.
        options: `depth` ("raw", the default, or "refined"), `labels` ("auto": prepared maps where they exist, else
            outlines; "prepared", "polygons", "none"), `prepared` (a tree of prepared maps elsewhere), `fps` (2 unless
            given), `label_set` of prepared maps.

    Raises:
        RecordingError: No frame can be read.
        ConfigurationError: An option is unknown or out of its range.
    """
    refuse_unknown(options, ("depth", "labels", "prepared", "fps", "label_set"))
    depth, labels = options.get("depth", "raw"), options.get("labels", "auto")
    if depth not in ("raw", "refined"):
        raise ConfigurationError(f"depth must be raw or refined, not {depth!r:.80}")
    if labels not in ("auto", "polygons", "prepared", "none"):
        raise ConfigurationError(f"labels must be auto, polygons, prepared or none, not {labels!r:.80}")
    fps = number_option(options, "fps", 0.001, 1000.0) or _DEFAULT_FPS
    sidecar = _sidecar_above(path)
    label_set = LabelSet.load(options["label_set"]) if "label_set" in options else sidecar.label_set
    label_set = label_set or LabelSet.load(LABEL_SET)
    elsewhere = Path(options["prepared"]).expanduser() if "prepared" in options else None
    if elsewhere is not None and not (elsewhere / "label").is_dir():
        raise ConfigurationError(
            f"prepared={elsewhere} has no folder label/: name what python -m training prepare made"
        )
    return SunrgbdReader(path, depth, labels, fps, label_set, sidecar, elsewhere)  # type: ignore[arg-type]


def decode_depth(raw: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Millimetres from SUN RGB-D's stored values: each 16-bit word is rotated right by three bits.

    Source: the data set's toolbox, `bitor(bitshift(d, -3), bitshift(d, 16 - 3))`; its clamp at 8 m is left to the user.
    """
    return (raw >> np.uint16(3)) | (raw << np.uint16(13))


def encode_depth(millimetres: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Stored values from millimetres; the exact inverse of `decode_depth`."""
    return (millimetres << np.uint16(3)) | (millimetres >> np.uint16(13))


class SunrgbdReader(PictureReader):
    """Frames of a SUN RGB-D tree in natural order of their folders, looked into only when they are read."""

    def __init__(
        self,
        path: Path,
        depth: DepthKind,
        labels: LabelSource,
        fps: float,
        label_set: LabelSet,
        sidecar: Sidecar,
        prepared: Path | None = None,
    ) -> None:
        """Walks the tree once; see `open_reader`."""
        folders = sorted(_walk(path), key=lambda f: natural_key(f.relative_to(path).as_posix()))
        self._folders = folders
        self._labels = labels
        self._root = path
        times_us = regular_times_us(len(folders), fps)
        label_trees = [prepared] if prepared else _label_trees(path)
        # Our own exports have a list of their frames.
        names = [folder.relative_to(path).as_posix() for folder in folders]
        stamps, warnings = read_stamps(path, names)
        found = list(stamps.values())
        if found:
            times_us = np.array([stamp.time_us - found[0].time_us for stamp in found], np.int64)
        pairs = _LazyPairs(folders, _DEPTH_FOLDERS[depth], times_us, label_trees, path, found)
        info = RecordingInfo(
            path=path,
            layout="sunrgbd",
            name=sidecar.name or ("SUN RGB-D" if len(folders) > 1 else path.resolve().name),
            label_set=None if labels == "none" else label_set,
            truth_origin=None if labels == "none" else sidecar.labels.origin,
            predictions=() if labels == "none" else tuple(map(str, sidecar.labels.made_by)),
            details={KIND_NOTE: depth} | dict(sidecar.details),
            warnings=tuple(warnings),
            gaps=gaps_of(found) if found else (),
            is_counted=bool(found),
        )
        self._origins = (_TOLD[0], sidecar.origin("depth_unit_m"), sidecar.origin("registered")) if found else _TOLD
        geometry = Geometry(depth_unit_m=0.001, origins=self._origins)
        started = sidecar.start_ns if found else None
        super().__init__(info, pairs, times_us, geometry, provenance=sidecar.labels, start_ns=started)
        self._lens = sidecar.intrinsics
        self._registered = sidecar.registered is not False

    def name(self, position: int) -> str:
        """The frame's folder below the tree, such as `kv1/b3dodata/img_0063`."""
        relative = self._folders[position].relative_to(self._root).as_posix()
        return self._folders[position].resolve().name if relative == "." else relative

    def camera(self, position: int) -> str:
        """The folder name of the camera (`kv1`, `kv2`, `realsense`, `xtion`), "" where the path does not say."""
        parts = self._folders[position].resolve().parts
        return next((part for part in reversed(parts) if part in CAMERAS), "")

    def scene(self, position: int) -> str:
        """The kind of room, such as "office", from `scene.txt`; "" where there is none."""
        file = self._folders[position] / "scene.txt"
        return read_text(file, 10_000).strip()[:100] if file.is_file() else ""

    def folder(self, position: int) -> Path:
        """The frame's own folder."""
        return self._folders[position]

    def _read_depth(self, path: Path) -> NDArray[np.uint16]:
        return decode_depth(read_depth(path))

    def _calibration(self, pair: PicturePair, depth: NDArray[np.generic]) -> Calibration:
        height, width = depth.shape
        if pair.calibration is not None:
            return super()._calibration(pair, depth)
        matrix = find_matrix(_frame_folder(pair))
        if self._lens is not None and matrix is not None and _same_matrix(self._lens, matrix):
            # Our own export: intrinsics.txt has no place for its lens.
            matrix = replace(matrix, distortion=self._lens.distortion, lens_model=self._lens.lens_model)
        geometry = Geometry(depth_unit_m=0.001, registered=self._registered, matrix=matrix, origins=self._origins)
        return geometry.calibration(width, height)

    def _labels_of(self, pair: PicturePair, depth: NDArray[np.uint16]) -> Prediction | Truth | None:
        label_set = self._info.label_set
        if label_set is None:
            return None
        if self._labels in ("auto", "prepared") and pair.labels is not None:
            return super()._labels_of(pair, depth)
        outlines = _frame_folder(pair) / POLYGONS
        if self._labels == "prepared" or not outlines.is_file():
            return None
        try:
            labels, instances = draw_labels(read_polygons(outlines), *depth.shape)
        except RecordingError as error:
            # Some of these files do not parse; the frame itself is sound and is shown without truth.
            self._warn(f"{error}: the frame has no labels")
            return None
        return Truth(labels, LabelSet.load(LABEL_SET), instances, "imported")


class _LazyPairs(Sequence[PicturePair]):
    """The files of each frame, found when they are asked for: a whole tree has over 10,000 folders."""

    def __init__(
        self,
        folders: list[Path],
        depth_folders: tuple[str, str],
        times_us: NDArray[np.int64],
        label_trees: list[Path],
        root: Path,
        stamps: Sequence[Stamp],
    ) -> None:
        self._folders = folders
        self._root = root
        self._stamps = stamps
        self._label_trees = label_trees
        self._depth_folders = depth_folders
        self._times_us = times_us

    def __len__(self) -> int:
        return len(self._folders)

    def __iter__(self) -> Iterator[PicturePair]:
        return (self[position] for position in range(len(self)))

    @overload
    def __getitem__(self, position: int) -> PicturePair: ...

    @overload
    def __getitem__(self, position: slice) -> list[PicturePair]: ...

    def __getitem__(self, position: int | slice) -> PicturePair | list[PicturePair]:
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        folder = self._folders[position]
        color = _only_picture(folder / "image", COLOR_SUFFIXES)
        first, second = self._depth_folders
        depth = _only_picture(folder / first, DEPTH_SUFFIXES) or _only_picture(folder / second, DEPTH_SUFFIXES)
        if color is None or depth is None:
            missing = "colour picture in image/" if color is None else "depth picture in depth/ or depth_bfx/"
            raise UnreadablePictureError(f"{folder} has no {missing}")
        labels = _only_picture(folder / "label", LABEL_SUFFIXES) or _prepared_label(folder, self._label_trees)
        instances = _only_picture(folder / "label_instance", LABEL_SUFFIXES)
        time_us = int(self._times_us[position])
        if not self._stamps:
            return PicturePair(color, depth, position, time_us, None, labels, instances)
        stamp = self._stamps[position]
        own = self._root / CALIBRATION_FOLDER / f"{folder.relative_to(self._root).as_posix()}.json"
        calibration = own if own.is_file() else None
        return PicturePair(
            color, depth, stamp.index, time_us, stamp.device_us, labels, instances, calibration, stamp.labels
        )


def _label_trees(path: Path) -> list[Path]:
    """The prepared trees that a folder may lie in: those of its parents, and itself, that have `label/`."""
    here = path.resolve()
    return [folder for folder in (here, *here.parents[:_MAX_DEPTH]) if (folder / _LABELS).is_dir()]


def _prepared_label(folder: Path, trees: list[Path]) -> Path | None:
    """The prepared map of a frame, which has the frame's path below SUNRGBD (or below the tree) for a name."""
    parts = folder.resolve().parts
    below = parts[len(parts) - parts[::-1].index(_TOP) :] if _TOP in parts else ()
    for tree in trees:
        inside = parts[len(tree.parts) :] if parts[: len(tree.parts)] == tree.parts else ()
        for name in (below, inside):
            file = tree / _LABELS / Path(*name[:-1]) / f"{name[-1]}.png" if name else None
            if file is not None and file.is_file():
                return file
    return None


def _sidecar_above(path: Path) -> Sidecar:
    """The sidecar of the tree that a folder belongs to: its own, or that of a folder a few levels up."""
    here = path.resolve()
    for folder in (here, *here.parents[:_SIDECAR_LEVELS]):
        sidecar = read_sidecar(folder)
        if sidecar is not None:
            return sidecar
    return Sidecar()


def _same_matrix(lens: Intrinsics, matrix: Matrix) -> bool:
    return (lens.fx, lens.fy, lens.cx, lens.cy) == (matrix.fx, matrix.fy, matrix.cx, matrix.cy)


def _frame_folder(pair: PicturePair) -> Path:
    return pair.color.parent.parent


def _only_picture(folder: Path, suffixes: frozenset[str]) -> Path | None:
    """The picture in a folder; the first by name where there are several."""
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if os.path.splitext(e.name)[1].lower() in suffixes and e.is_file()]
    except OSError:
        return None
    return folder / min(names, key=natural_key) if names else None


def _walk(root: Path, limit: int | None = None) -> Iterator[Path]:
    """Folders of frames below a root, in no order, without following links to folders."""
    looked_at = 0
    stack = [(root, 0)]
    while stack:
        folder, level = stack.pop()
        looked_at += 1
        if limit is not None and looked_at > limit:
            return
        try:
            with os.scandir(folder) as entries:
                content = {e.name: e.is_dir(follow_symlinks=level == 0) for e in entries}
        except OSError:
            continue
        if _is_frame(folder, content):
            yield folder
        elif level < _MAX_DEPTH:
            names = sorted((n for n, is_dir in content.items() if is_dir and n[0] != "."), reverse=True)
            stack += [(folder / name, level + 1) for name in names]


def _is_frame(folder: Path, content: dict[str, bool]) -> bool:
    """Whether a folder is one frame, not a folder of many pictures in image/ and depth/."""
    if not content.get("image") or not (content.get("depth") or content.get("depth_bfx")):
        return False
    marks = ("depth_bfx", "annotation2Dfinal", "extrinsics", "fullres", "scene.txt", "seg.mat")
    if any(name in content for name in marks):
        return True
    # Without those marks it may be somebody's own picture pair; a sidecar says that it is.
    if "intrinsics.txt" not in content or SIDECAR in content:
        return False
    with os.scandir(folder / "image") as pictures:
        return sum(1 for _ in pictures) == 1
