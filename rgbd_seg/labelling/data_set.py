"""The labels of one recording on disk: a folder that training reads as it is, written after every stroke.

    walk.mcap
    walk labels/
      image/000123.png  depth/000123.png  label/000123.png      frames with labels; indexed PNG in the set's colours
      labels.json  frames.json  rgbd_seg.json                   classes, states of the frames, camera
      backup/                                                   what another window or program wrote in between

A folder that has `image/` and `depth/` already is its own data set: labels go into it, pictures stay as they are. Every
file is replaced as a whole, so that a kill loses at most what was not yet handed over. Before a file is replaced that
somebody else has changed since it was read, theirs is kept in `backup/`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.frame import RgbdFrame
from rgbd_seg.labelling.versions import BACKUP_FOLDER, Versions, cannot_write, unused
from rgbd_seg.labels import LabelClass, LabelSet, distinct_colors
from rgbd_seg.recording.label_provenance import LabelProvenance
from rgbd_seg.recording.layouts.frame_states import STATES_FILE, FrameState, FrameStates, read_states
from rgbd_seg.recording.layouts.labelled_folder import LABELS_FILE, label_file_text, provenance_of
from rgbd_seg.recording.layouts.partners import natural_key
from rgbd_seg.recording.pictures.frame_list import CALIBRATION_FOLDER
from rgbd_seg.recording.pictures.loading import read_header, read_labels
from rgbd_seg.recording.pictures.saving import write_color, write_gray, write_indexed, write_text
from rgbd_seg.recording.pictures.sidecar import SIDECAR, read_sidecar, sidecar_of

_PREPARED, _READY = "label.new", "label.ready"
_LABELS_SUFFIX = " labels"
_COLOR_SUFFIXES = (".png", ".jpg", ".jpeg")


def data_set_folder(recording: Path) -> Path:
    """Where the labels of a recording lie: beside it, or in it where it is a folder of `image/` and `depth/`."""
    if (recording / "image").is_dir() and (recording / "depth").is_dir():
        return recording
    name = recording.stem if recording.is_file() else recording.name
    return recording.with_name(f"{name}{_LABELS_SUFFIX}")


def frame_name(index: int) -> str:
    """What the pictures of a recording's frame are called."""
    return f"{index:06d}"


class DataSet:
    """Labels of one recording. It is used from one thread at a time.

    Attributes:
        root: The folder; it is made when the first labels are saved.
        messages: What was found or done that a person should know, in whole sentences; whoever shows them clears them.
    """

    def __init__(self, root: Path, label_set: LabelSet | None = None) -> None:
        """Opens a data set, or begins one.

        Args:
            root: The folder, which need not exist.
            label_set: The classes of a new set; where the folder has `labels.json`, that counts. None begins with one
                class called "object".

        Raises:
            RecordingError: The folder or one of its lists cannot be read.
            ConfigurationError: `labels.json` is not a label set.
        """
        self.root = root
        self.messages: list[str] = []
        self._versions = Versions(root / BACKUP_FOLDER, lambda text: self.messages.append(text))
        self._take_ready()
        path = root / LABELS_FILE
        self._versions.seen(path)
        self._provenance = LabelProvenance("hand")
        if path.is_file():
            self._label_set = LabelSet.load(path)
            self._provenance = provenance_of(root)
        else:
            told = read_sidecar(root) if root.is_dir() else None
            known = label_set or (told.label_set if told else None)
            begun = known is None and bool(self._find_labels())
            first = LabelClass("class 1" if begun else "object", distinct_colors(1)[0])
            self._label_set = known or LabelSet("labels", (first,))
            if begun:
                self.messages.append(f"There are labels but no {LABELS_FILE}, which names their classes: rename them")
        self._labelled = self._find_labels()
        self._states = self._read_states()

    @property
    def label_set(self) -> LabelSet:
        """What the ids mean."""
        return self._label_set

    @property
    def states(self) -> Mapping[str, FrameState]:
        """The state of each frame that is not empty, by name."""
        return self._states.frames

    def adopt(self, label_set: LabelSet) -> None:
        """Takes the classes of labels that are about to be saved: those of now, and maybe more behind them.

        Raises:
            RecordingError: They cannot be written.
        """
        if self._labelled:
            self.set_classes(label_set)
        else:
            self._label_set = label_set

    def picture(self, name: str) -> Path | None:
        """The colour picture of a frame, None where it has none."""
        path = self._color_path(name)
        return path if path.is_file() else None

    def names(self) -> list[str]:
        """The frames that have labels, 2 before 10."""
        return sorted(self._labelled, key=natural_key)

    def read(self, name: str, size: tuple[int, int]) -> NDArray[np.uint8] | None:
        """The labels of a frame, None where it has none.

        Classes that `labels.json` has lost are given back to it under a name that says so, and a message is left.

        Args:
            name: Of the frame's pictures, without suffix.
            size: (height, width) of the frame.

        Raises:
            RecordingError: The file is damaged or has another size; it is kept as a backup if it is painted over.
        """
        path = self._label_path(name)
        if not path.is_file():
            self._versions.gone(path)
            return None
        stamp = self._versions.look(path)
        labels = _labels_in(path, size)
        self._give_back_classes(int(labels.max(initial=0)), path)
        self._versions.seen(path, stamp)
        return labels

    def damage(self, name: str, size: tuple[int, int]) -> str:
        """What is wrong with the label file of a frame, "" if nothing is or there is none; the arguments as in `read`.

        It counts as seen by nobody: a window that has only asked this knows nothing of what is in the file.
        """
        path = self._label_path(name)
        try:
            if path.is_file():
                _labels_in(path, size)
        except RecordingError as error:
            return str(error)
        return ""

    def save(self, name: str, frame: RgbdFrame, labels: NDArray[np.uint8], state: FrameState) -> None:
        """Writes the labels of a frame, its pictures where they are not there yet, and its state.

        Args:
            name: Of the frame's pictures, without suffix.
            frame: What is labelled.
            labels: (H, W) uint8 ids of the label set, 0 = void.
            state: What it is from now on.

        Raises:
            RecordingError: It cannot be written (read-only, full disk); what was there before is still there.
            ConfigurationError: The labels have another size than the frame, or ids outside the set.
        """
        if labels.shape != frame.depth.shape or labels.dtype != np.uint8:
            raise ConfigurationError(f"labels must be uint8 {frame.depth.shape}, not {labels.dtype} {labels.shape}")
        if int(labels.max(initial=0)) > len(self._label_set):
            raise ConfigurationError(
                f"class {labels.max()} is none of the {len(self._label_set)} classes of {self._label_set.name!r}"
            )
        if not (self.root / LABELS_FILE).is_file():
            self._write_classes()
        self._write_labels(self._label_path(name), labels)
        # The colour picture is the last: whoever lists the folder by it finds whole frames only.
        depth_path, color_path = self.root / "depth" / f"{name}.png", self._color_path(name)
        if not depth_path.is_file():
            self._write_camera(name, frame)
            write_gray(depth_path, frame.depth)
        if not color_path.is_file():
            write_color(color_path, frame.color)
        self._labelled.add(name)
        self.set_state(name, state)

    def set_state(self, name: str, state: FrameState | None) -> None:
        """Writes the state of a frame; None makes it one that nobody has looked at.

        Raises:
            RecordingError: It cannot be written.
        """
        try:
            on_disk = self._read_states()
        except RecordingError as error:  # Somebody's editor is in the middle of it, or it is damaged.
            self._versions.keep(self.root / STATES_FILE)
            self.messages.append(f"{error}. It is kept in {BACKUP_FOLDER}/, and written anew")
            on_disk = self._states
        frames = dict(on_disk.frames)
        frames.pop(name, None)
        if state is not None:
            frames[name] = state
        states = FrameStates(frames, on_disk.weights)
        if states != on_disk or not (self.root / STATES_FILE).is_file():
            write_text(self.root / STATES_FILE, states.to_json())
        self._states = states

    def back_up(self, name: str) -> None:
        """Copies the labels of a frame to `backup/`, before others take their place.

        Raises:
            RecordingError: They cannot be copied.
        """
        path = self._label_path(name)
        if path.is_file():
            self._versions.keep(path, copied=True)

    def forget(self, name: str) -> None:
        """Takes the labels of a frame away; they are kept in `backup/`.

        Raises:
            RecordingError: They cannot be moved.
        """
        path = self._label_path(name)
        if path.is_file():
            self._versions.keep(path)
        color = self._color_path(name)
        if self._owns_pictures():  # A picture without labels would not be a frame of the set.
            for picture in (color, self.root / "depth" / f"{name}.png"):
                _remove(picture)
        self._labelled.discard(name)
        self._versions.gone(path)
        self.set_state(name, None)

    def set_classes(self, label_set: LabelSet, moved: Mapping[int, int] | None = None) -> None:
        """Takes other classes: renamed, recoloured, added, or merged.

        Args:
            label_set: The classes from now on.
            moved: New id by old id where ids change (merged classes); ids that are not named keep theirs. The label
                files as they were stay in `backup/`.

        Raises:
            RecordingError: It cannot be written.
        """
        before, self._label_set = self._label_set, label_set
        try:
            had = len(before) + 1  # Files that do not hold a class need not know its colour.
            if moved or label_set.palette()[:had].tobytes() != before.palette()[:had].tobytes():
                self._rewrite(moved or {})
            else:
                self._write_classes()
        except RecordingError:
            self._label_set = before
            raise

    def _rewrite(self, moved: Mapping[int, int]) -> None:
        """Writes all label files and the classes anew, so that they never disagree, whenever it is killed.

        Everything is prepared in `label.new/`; from the moment that this is called `label.ready/`, it counts.
        """
        table = np.arange(256, dtype=np.uint8)
        for old, new in moved.items():
            table[old] = new
        prepared = self.root / _PREPARED
        _remove_folder(prepared)
        self._versions.keep_foreign(self.root / LABELS_FILE)
        for name in self.names():
            labels = read_labels(self._label_path(name))
            write_indexed(prepared / f"{name}.png", table[labels], self._label_set.palette())
        write_text(prepared / LABELS_FILE, self._classes_text())
        try:
            os.rename(prepared, self.root / _READY)
        except OSError as error:
            raise cannot_write(prepared, error) from error
        self._take_ready()

    def _take_ready(self) -> None:
        """Puts rewritten labels into place; begun again where it was killed."""
        ready, folder = self.root / _READY, self.root / "label"
        if not ready.is_dir():
            return
        try:
            if (ready / LABELS_FILE).is_file():
                if folder.is_dir():
                    backup = self.root / BACKUP_FOLDER
                    backup.mkdir(exist_ok=True)
                    os.rename(folder, unused(backup, "label", ""))
                os.replace(ready / LABELS_FILE, self.root / LABELS_FILE)
            os.rename(ready, folder)
        except OSError as error:
            raise cannot_write(folder, error) from error
        self._versions.forget_all()
        for path in (self.root / LABELS_FILE, *folder.iterdir()):
            self._versions.seen(path)

    def _read_states(self) -> FrameStates:
        """What `frames.json` says; labels that it does not name count as done, unless a model has made them."""
        states = read_states(self.root) or FrameStates()
        made: FrameState = "draft" if self._provenance.made_by else "done"
        return FrameStates({**dict.fromkeys(self._labelled, made), **states.frames}, states.weights)

    def _find_labels(self) -> set[str]:
        folder = self.root / "label"
        try:
            files = folder.iterdir() if folder.is_dir() else ()
            return {path.stem for path in files if path.suffix == ".png" and path.is_file()}
        except OSError as error:
            raise RecordingError(f"cannot read {folder}: {error.strerror or error}") from error

    def _label_path(self, name: str) -> Path:
        return self.root / "label" / f"{name}.png"

    def _color_path(self, name: str) -> Path:
        paths = (self.root / "image" / f"{name}{suffix}" for suffix in _COLOR_SUFFIXES)
        return next((path for path in paths if path.is_file()), self.root / "image" / f"{name}.png")

    def _owns_pictures(self) -> bool:
        return self.root.name.endswith(_LABELS_SUFFIX)

    def _give_back_classes(self, highest: int, path: Path) -> None:
        missing = range(len(self._label_set) + 1, highest + 1)
        if not missing:
            return
        colors = distinct_colors(highest)
        taken = set(self._label_set.names)
        names = [f"class {i}" if f"class {i}" not in taken else f"class {i} (lost name)" for i in missing]
        added = tuple(LabelClass(name, colors[i - 1]) for i, name in zip(missing, names, strict=True))
        self._label_set = LabelSet(self._label_set.name, (*self._label_set.classes, *added))
        self.messages.append(
            f"{path.name} holds classes that {LABELS_FILE} no longer names. They are called "
            f"{', '.join(names)} now: rename them"
        )

    def _classes_text(self) -> str:
        return label_file_text(self._label_set, LabelProvenance("hand", self._provenance.made_by))

    def _write_classes(self) -> None:
        path = self.root / LABELS_FILE
        self._versions.keep_foreign(path)
        write_text(path, self._classes_text())
        self._versions.seen(path)

    def _write_camera(self, name: str, frame: RgbdFrame) -> None:
        """The camera of the first frame; frames with another one get a file of their own."""
        told = read_sidecar(self.root)
        calibration = frame.calibration
        if told is None:
            write_text(self.root / SIDECAR, sidecar_of(calibration).to_json())
        elif told.intrinsics != calibration.color or told.depth_unit_m != calibration.depth_unit_m:
            text = json.dumps(calibration.to_dict(), indent=2) + "\n"
            write_text(self.root / CALIBRATION_FOLDER / f"{name}.json", text)

    def _write_labels(self, path: Path, labels: NDArray[np.uint8]) -> None:
        self._versions.keep_foreign(path)
        write_indexed(path, labels, self._label_set.palette())
        self._versions.seen(path)


def _labels_in(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The ids in a label file of a frame of (height, width) pixels.

    Raises:
        RecordingError: The file is damaged or has another size.
    """
    header = read_header(path)
    if (header.height, header.width) != size:
        raise RecordingError(
            f"{path} has {header.width}x{header.height} pixels, but its frame has {size[1]}x{size[0]}: it belongs "
            "to other pictures. If you paint on this frame, the file is kept in backup/"
        )
    return read_labels(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def _remove_folder(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
