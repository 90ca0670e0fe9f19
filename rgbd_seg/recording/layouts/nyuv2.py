"""NYU Depth V2's labelled frames in their official file: 1,449 photographs of a Kinect v1, none following another.

The file is `nyu_depth_v2_labeled.mat` (HDF5, MATLAB 7.3), opened itself or by the folder that holds it. Its 894 names
become 40 classes by `classMapping40.mat` of Gupta et al., "Perceptual Organization and Recognition of Indoor Scenes
from RGB-D Images" (CVPR 2013), beside it. The first 37 are the classes of SUN RGB-D, in the same order; the last
three (other structure, furniture, prop) become void there. `splits.mat` beside it tells training from test frames.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics, Origin
from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import Truth
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.layouts.matlab_numbers import read_numbers
from rgbd_seg.recording.pictures.pair_reader import number_option, refuse_unknown, regular_times_us
from rgbd_seg.recording.reader import RecordingInfo, RecordingReader, StoredFrame

FRAMES_FILE, SPLITS_FILE, CLASSES_FILE = "nyu_depth_v2_labeled.mat", "splits.mat", "classMapping40.mat"
# A white border, and where depth was projected onto colour from outside of its view: cut off by all who use the set.
_ROWS, _COLUMNS = slice(8, 472), slice(8, 632)
_HEIGHT, _WIDTH = 480, 640
# camera_params.m of the data set's toolbox, for what is left of the picture.
_LENS = Intrinsics(624, 464, 518.857901, 519.469611, 325.582449 - 8, 253.736166 - 8)
_DEPTH_UNIT_M = 0.001
_MOST_FRAMES = 1_000_000
# The data set says of all its pictures that they are registered, in metres, and by which lens.
_TOLD: tuple[Origin, Origin, Origin] = ("file", "file", "file")
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_PLACE = 512  # MATLAB's own header comes first.
_DEFAULT_FPS = 2.0  # Photographs have no rate; this one leaves time to look at each.
_DEPTHS = {"raw": "rawDepths", "filled": "depths"}
_ONE = (_WIDTH, _HEIGHT)  # MATLAB writes columns first.
_PICTURES = {"images": (3, *_ONE), "labels": _ONE, "depths": _ONE, "rawDepths": _ONE}
_LARGEST_CHUNK_BYTES = 256_000_000


def matches(path: Path) -> bool:
    """Whether a path is such a file, or a folder that holds one."""
    file = path / FRAMES_FILE if path.is_dir() else path
    if file.suffix.lower() != ".mat" or not file.is_file():
        return False
    with file.open("rb") as stream:
        stream.seek(_HDF5_PLACE)
        if stream.read(len(_HDF5)) == _HDF5:
            return True
        stream.seek(0)
        return stream.read(len(_HDF5)) == _HDF5  # Written by another program than MATLAB.


def open_reader(path: Path, **options: str) -> NyuReader:
    """Opens the labelled frames.

    Args:
        path: The file, or the folder that holds it.
        options: `depth` ("raw" with the camera's holes, the default, or "filled"), `classes` ("37", the default, or
            "40"), `split` ("all", the default, "train" or "test"), `fps` (2 unless given).

    Raises:
        RecordingError: h5py is missing, or a file cannot be read.
        ConfigurationError: An option is unknown or out of its range.
    """
    refuse_unknown(options, ("depth", "classes", "split", "fps"))
    depth, classes, split = (options.get(*one) for one in (("depth", "raw"), ("classes", "37"), ("split", "all")))
    for name, value, known in (
        ("depth", depth, tuple(_DEPTHS)),
        ("classes", classes, ("37", "40")),
        ("split", split, ("all", "train", "test")),
    ):
        if value not in known:
            raise ConfigurationError(f"{name} must be {' or '.join(known)}, not {value!r:.80}")
    file = path / FRAMES_FILE if path.is_dir() else path
    frames = NyuFile(file)
    chosen = list(range(len(frames)))
    if split != "all":
        chosen = official_split(file.with_name(SPLITS_FILE), len(frames))[split == "test"]
    fps = number_option(options, "fps", 0.001, 1000.0) or _DEFAULT_FPS
    return NyuReader(file, frames, chosen, _DEPTHS[str(depth)], 40 if classes == "40" else 37, fps)


class NyuReader(RecordingReader):
    """The frames, each read when it is asked for. Used from one thread."""

    def __init__(self, path: Path, frames: NyuFile, chosen: list[int], depth: str, classes: int, fps: float) -> None:
        self._frames, self._chosen, self._depth = frames, chosen, depth
        self._times_us = regular_times_us(len(chosen), fps)
        mapping = path.with_name(CLASSES_FILE)
        notes = [f"Photographs that do not follow each other, shown at {fps:g} a second; the white border is cut off."]
        self._table: NDArray[np.uint8] | None = None
        label_set = None
        if mapping.is_file():
            label_set = LabelSet.load("nyu40" if classes == 40 else "sunrgbd37")
            self._table = class_table(mapping)
            if classes == 37:
                self._table = np.where(self._table > 37, 0, self._table).astype(np.uint8)
        else:
            notes.append(f"Without labels: {CLASSES_FILE} is not beside the file, so its 894 names have no classes.")
        self._info = RecordingInfo(
            path=path,
            layout="nyuv2",
            name="NYU Depth V2",
            label_set=label_set,
            truth_origin="imported" if label_set else None,
            details={"kind of depth": "raw" if depth == "rawDepths" else "filled", "camera": "Kinect v1"},
            notes=tuple(notes),
        )

    def decode(self, position: int) -> StoredFrame:
        place = self._chosen[position]
        color, depth_m, names = self._frames.read(place, self._depth)
        truth = None
        if self._table is not None and self._info.label_set is not None:
            labels = look_up(self._table, names, f"{self._info.path}: frame {place + 1}")
            truth = Truth(labels, self._info.label_set, origin="imported")
        counts = np.round(np.minimum(depth_m / _DEPTH_UNIT_M, 65535)).astype(np.uint16)
        calibration = Calibration(_LENS, _DEPTH_UNIT_M, True, *_TOLD)
        return StoredFrame(color, counts, calibration, place, int(self._times_us[position]), truth=truth)

    def close(self) -> None:
        self._frames.close()


class NyuFile:
    """The official file: its pictures upright, without the border. Each process opens it for itself.

    Args:
        path: The file.

    Raises:
        RecordingError: h5py is missing, or it is not that file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: Any = self._open()
        try:
            counts = set()
            for name, one in _PICTURES.items():
                data = _stored(self._file, name)
                if data is None or data.shape[1:] != one or data.dtype.kind not in "uif":
                    raise RecordingError(f"{path} has no pictures {name!r} of {_WIDTH}x{_HEIGHT}: not {FRAMES_FILE}?")
                counts.add(int(data.shape[0]))
            if len(counts) != 1 or not 0 < max(counts) <= _MOST_FRAMES:
                raise RecordingError(f"{path} holds different numbers of pictures, labels and depths: it is damaged")
            self._count = counts.pop()
            self.rooms = _names(self._file, "scenes", self._count)
        except BaseException as error:
            self.close()
            if isinstance(error, Exception) and not isinstance(error, RecordingError):  # h5py raises all kinds.
                raise RecordingError(f"{path} is damaged: {error}") from None
            raise

    def __len__(self) -> int:
        return self._count

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_file": None}

    def read(self, index: int, depth: str) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint16]]:
        """One frame.

        Args:
            index: Its place, from 0.
            depth: "depths" (filled) or "rawDepths".

        Returns:
            (464, 624, 3) uint8 RGB, (464, 624) float32 metres, 0 = hole, and (464, 624) uint16 of the set's names.

        Raises:
            RecordingError: It is damaged.
        """
        if self._file is None:
            self._file = self._open()
        try:  # MATLAB writes columns first: every picture lies transposed.
            color = np.ascontiguousarray(self._file["images"][index].transpose(2, 1, 0)[_ROWS, _COLUMNS], np.uint8)
            depth_m = np.ascontiguousarray(self._file[depth][index].T[_ROWS, _COLUMNS], np.float32)
            names = np.ascontiguousarray(self._file["labels"][index].T[_ROWS, _COLUMNS], np.uint16)
        except Exception as error:  # As when it was opened.
            raise RecordingError(f"{self.path}: frame {index + 1} cannot be read: {error}") from None
        depth_m[~np.isfinite(depth_m) | (depth_m < 0)] = 0
        return color, depth_m, names

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> Any:
        try:
            import h5py
        except ImportError:
            raise RecordingError(f"{self.path}: for NYU Depth V2, pip install 'rgbd-seg[nyu]'") from None
        try:
            return h5py.File(self.path, "r")
        except OSError as error:
            raise RecordingError(f"{self.path} cannot be read as HDF5 (MATLAB 7.3): {error}") from None


def class_table(path: Path) -> NDArray[np.uint8]:
    """Class of each of the set's names, by `classMapping40.mat`: (895,) uint8 or more, ids of NYU's 40, 0 = void.

    Raises:
        RecordingError: It is not that file.
    """
    (to_40,) = _content(path, "mapClass")
    if not len(to_40) or to_40.min() < 0 or to_40.max() > 40:
        raise RecordingError(f"{path} maps to other classes than 1..40")
    return np.concatenate([np.zeros(1, np.uint8), to_40.astype(np.uint8)])


def official_split(path: Path, count: int) -> tuple[list[int], list[int]]:
    """Places (from 0) of the training and the test frames.

    Args:
        path: `splits.mat`.
        count: How many frames there are.

    Raises:
        RecordingError: It is missing, names frames that do not exist, or one in both parts.
    """
    train, test = (sorted(int(n) - 1 for n in part) for part in _content(path, "trainNdxs", "testNdxs"))
    if set(train) & set(test) or not train or min(train + test) < 0 or max(train + test) >= count:
        raise RecordingError(f"{path} does not fit the {count} frames: frames in both parts, or out of range")
    return train, test


def look_up(table: NDArray[np.uint8], names: NDArray[np.uint16], what: str) -> NDArray[np.uint8]:
    """Class ids of the set's names."""
    if int(names.max(initial=0)) >= len(table):
        raise RecordingError(f"{what} holds label {names.max()}, which has no class")
    return np.ascontiguousarray(table[names])


def _content(path: Path, *names: str) -> list[NDArray[Any]]:
    """The numbers of a list, by their names.

    Raises:
        RecordingError: They are not in it, or it is damaged.
    """
    found = read_numbers(path)
    if any(name not in found for name in names):
        raise RecordingError(f"{path} has no {' and '.join(names)}")
    if not all(np.isfinite(found[name]).all() for name in names):
        raise RecordingError(f"{path} holds something else than numbers")
    return [found[name] for name in names]


def _stored(file: Any, name: str) -> Any:
    """An array that lies in the file itself, not yet read; None where there is none.

    HDF5 also takes parts of arrays, or all of them, from other files that a file names: those are not followed.

    Raises:
        RecordingError: It does, or it is in parts that are too large to be read one after another.
    """
    import h5py

    link = file.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise RecordingError(f"{file.filename}: {name!r} is elsewhere")
    return _inside(file, file[name])


def _inside(file: Any, data: Any) -> Any:
    import h5py

    if not isinstance(data, h5py.Dataset) or data.shape is None:
        return None
    if data.is_virtual or data.external:
        raise RecordingError(f"{file.filename}: {data.name!r} is in another file")
    if math.prod(data.chunks or ()) * data.dtype.itemsize > _LARGEST_CHUNK_BYTES:
        raise RecordingError(f"{file.filename}: {data.name!r} lies in parts of more than {_LARGEST_CHUNK_BYTES} bytes")
    return data


def _names(file: Any, key: str, count: int) -> list[str]:
    """Texts that MATLAB stores as references to arrays of characters; empty ones where there are none."""
    references = _stored(file, key)
    if references is None or references.size > _MOST_FRAMES or not references.dtype.hasobject:
        return [""] * count
    texts = (_inside(file, file[reference]) for reference in references[()].ravel()[:count])
    return ["" if text is None or text.size > 10_000 else "".join(map(chr, text[()].ravel()[:200])) for text in texts]
