"""SUNRGBDtoolbox: the list of frames, the official split, and the label pictures, read one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray

from rgbd_seg.errors import RgbdSegError

FILES = (
    "Metadata/SUNRGBD2Dseg.mat",
    "Metadata/SUNRGBDMeta.mat",
    "traintestSUNRGBD/allsplit.mat",
)
_LABELS = 37


@dataclass(frozen=True, slots=True)
class ListedFrame:
    """A frame as the toolbox lists it.

    Attributes:
        number: Its place in the list, which is also its place among the labels.
        name: Its folder below SUNRGBD, such as "kv1/NYUdata/NYU0001".
        split: "train" or "test".
    """

    number: int
    name: str
    split: str

    @property
    def sensor(self) -> str:
        """The camera, such as "kv2"."""
        return self.name.split("/")[0]

    @property
    def collection(self) -> str:
        """Who recorded it, such as "NYUdata"."""
        return [*self.name.split("/"), ""][1]


def find_toolbox(folder: Path) -> Path:
    """The folder that holds `Metadata`, at or below a folder.

    Raises:
        RgbdSegError: A file of the toolbox is missing; the message names it.
    """
    for candidate in (folder, folder / "SUNRGBDtoolbox"):
        if (candidate / "Metadata").is_dir():
            missing = [name for name in FILES if not (candidate / name).is_file()]
            if missing:
                raise RgbdSegError(f"the toolbox in {candidate} lacks {', '.join(missing)}: unpack it again")
            return candidate
    raise RgbdSegError(f"{folder} is not the SUN RGB-D toolbox: it has no folder Metadata/ with {FILES[0]}")


class Toolbox:
    """An unpacked toolbox. Labels are read one reference at a time: all together would take about 64 GB."""

    def __init__(self, folder: Path) -> None:
        """Reads the list of frames.

        Raises:
            RgbdSegError: A file is missing or damaged.
        """
        root = find_toolbox(folder)
        self.frames = _listed_frames(root)
        path = root / FILES[0]
        try:
            self._file: Any = h5py.File(path, "r")
            self._references: Any = self._file["SUNRGBD2Dseg"]["seglabel"]
            count = len(self._references)
        except (OSError, KeyError) as error:
            raise RgbdSegError(
                f"{path} is damaged or is not the label file ({error}): unpack the toolbox again"
            ) from None
        if count != len(self.frames):
            self.close()
            raise RgbdSegError(f"{path} has labels of {count} frames, but SUNRGBDMeta.mat lists {len(self.frames)}")

    def label(self, number: int) -> NDArray[np.uint8]:
        """The label picture of a frame: (H, W) uint8, 0 void, 1..37.

        Raises:
            RgbdSegError: It cannot be read, or holds other labels.
        """
        try:
            stored = self._file[self._references[number][0]][:]
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise RgbdSegError(
                f"the label picture {number} cannot be read ({error}): unpack the toolbox again"
            ) from None
        # MATLAB stores column by column.
        label = np.ascontiguousarray(np.asarray(stored).T)
        if label.ndim != 2 or label.size == 0 or label.min() < 0 or label.max() > _LABELS:
            name = self.frames[number].name
            raise RgbdSegError(f"the label picture of {name} holds values outside 0..{_LABELS}, up to {label.max()}")
        return label.astype(np.uint8)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def frame_name(path: str) -> str:
    """The frame's folder below SUNRGBD out of any path in the toolbox's files; some have double slashes."""
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    return "/".join(parts[parts.index("SUNRGBD") + 1 :] if "SUNRGBD" in parts else parts)


def _listed_frames(root: Path) -> list[ListedFrame]:
    meta = _load(root / FILES[1], "SUNRGBDMeta")
    train = {frame_name(str(path)) for path in np.atleast_1d(_load(root / FILES[2], "alltrain"))}
    frames = []
    for number, entry in enumerate(np.atleast_1d(meta)):
        name = frame_name(str(entry.sequenceName))
        if ".." in name.split("/"):
            raise RgbdSegError(f"{root / FILES[1]} names a frame {name!r:.200}, which points outside the data set")
        frames.append(ListedFrame(number, name, "train" if name in train else "test"))
    unknown = train - {frame.name for frame in frames}
    if unknown:
        raise RgbdSegError(
            f"{len(unknown)} training frames of {root / FILES[2]} are not in SUNRGBDMeta.mat, such as {min(unknown)}"
        )
    return frames


def _load(path: Path, key: str) -> Any:
    try:
        return scipy.io.loadmat(path, squeeze_me=True, struct_as_record=False, variable_names=[key])[key]
    except (OSError, KeyError, ValueError, TypeError, NotImplementedError) as error:
        raise RgbdSegError(f"{path} is damaged or holds no {key} ({error}): unpack the toolbox again") from None
