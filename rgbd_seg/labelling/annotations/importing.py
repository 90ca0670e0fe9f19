"""Labels of another tool on their way into a data set, a picture at a time."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import RecordingError
from rgbd_seg.labelling.annotations.annotations import Annotations
from rgbd_seg.labelling.data_set import DataSet
from rgbd_seg.labelling.frames import Frames
from rgbd_seg.recording.label_provenance import LabelProvenance
from rgbd_seg.recording.layouts.frame_states import FrameState
from rgbd_seg.recording.layouts.labelled_folder import LABELS_FILE
from rgbd_seg.recording.pictures.loading import read_header
from rgbd_seg.recording.pictures.sidecar import SIDECAR, read_json

_MOST_NAMED = 5


@dataclass(slots=True)
class Imported:
    """What has become of foreign labels so far.

    Attributes:
        made_by: "predicted by ..." where a model made the labels, else "".
        taken: Names of the frames that have labels now.
        strangers: Names that are none of the recording's.
        misfits: Names of pictures that have another size than their frame.
        kept: Names of frames that had labels already, which stay.
        empty: Names of pictures without a single labelled pixel.
        twice: Names that came more than once.
        turned: Names of frames whose picture is to be turned for showing.
    """

    made_by: str = ""
    taken: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    turned: list[str] = field(default_factory=list)

    def remarks(self, how: str) -> list[str]:
        """What a person should know of it, in whole sentences without a full stop.

        Args:
            how: How to replace labels that are there.
        """
        said = []
        if self.made_by and self.taken:
            said.append(
                f"they are {self.made_by}, as a file beside them says: drafts, which count nothing in training or in a "
                "score until a person has looked at each (what was corrected elsewhere is imported without that file)"
            )
        if self.strangers:
            said.append(f"left out, because the recording has no picture of that name: {some(self.strangers)}")
        if self.misfits:
            said.append(f"left out, because they have another size than the frames: {some(self.misfits)}")
        if self.empty:
            said.append(f"left out, because nothing is labelled in them: {some(self.empty)}")
        if self.twice:
            said.append(f"left out, because labels of a picture of that name came before: {some(self.twice)}")
        if self.turned:
            said.append(
                "their pictures have an EXIF rotation, which some tools apply, and the labels are taken as they are: "
                f"look whether they lie right in {some(self.turned)}"
            )
        if self.kept:
            said.append(f"left as they are, because they have labels already ({how}): {some(self.kept)}")
        return said


def importing(
    found: Annotations, table: NDArray[np.uint8], data_set: DataSet, frames: Frames, made_by: str, *, replace: bool
) -> Iterator[Imported]:
    """Saves the labels of every picture that belongs to a frame.

    Args:
        found: The foreign labels.
        table: (256,) uint8, the data set's id by foreign id.
        data_set: Has adopted the classes already.
        frames: The recording.
        made_by: As `made_by_of` says it; labels that a model made are drafts, others are done.
        replace: Also where there are labels; those are kept in `backup/`.

    Yields:
        After every picture what has become of all so far.

    Raises:
        RecordingError: A picture is damaged, or labels cannot be written.
    """
    position_of = {_normal(name): position for position, name in enumerate(frames.names)}
    before = set(data_set.names())
    so_far = Imported(made_by)
    state: FrameState = "draft" if made_by else "done"
    for picture in found.pictures():
        position = position_of.get(_normal(picture.name))
        if position is None:
            so_far.strangers.append(picture.name)
            yield so_far
            continue
        name, labels = frames.names[position], table[picture.labels]
        if not labels.any():
            so_far.empty.append(name)
        elif name in so_far.taken:
            so_far.twice.append(name)
        elif name in before and not replace:
            so_far.kept.append(name)
        else:
            frame = frames.read(position)
            if labels.shape != frame.depth.shape:
                so_far.misfits.append(name)
            else:
                data_set.back_up(name)
                data_set.save(name, frame, labels, state)
                so_far.taken.append(name)
                path = data_set.picture(name)
                if path is not None and read_header(path).orientation != 1:
                    so_far.turned.append(name)
        yield so_far


def _normal(name: str) -> str:
    """One spelling of letters with accents: systems store them in two."""
    return unicodedata.normalize("NFC", name)


def made_by_of(labels: Path) -> str:
    """Which model made labels, by what our own exports leave beside them; "" where nothing is said."""
    here = labels.resolve()
    for folder in (here, *here.parents[:2]):  # COCO's file lies in annotations/.
        for name in (LABELS_FILE, SIDECAR):
            try:
                data = read_json(folder / name) if (folder / name).is_file() else {}
            except RecordingError:
                continue
            data = data.get("labels", data) if isinstance(data, dict) else {}
            found = LabelProvenance.from_dict(data)
            if found.made_by:
                return str(found)
    return ""


def some(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
