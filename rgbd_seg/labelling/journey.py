"""All labels of a data set on their way: from each done frame to those around it, until the next, a cut, or nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from rgbd_seg.errors import RecordingError
from rgbd_seg.labelling.travel import Traveller, meet

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.labelling.data_set import DataSet
    from rgbd_seg.labelling.frames import Frames

# A journey ends after so many frames, or when less of the picture has a label than this.
_LONGEST = 150
_LEAST_SHARE = 0.05

_Arrived = dict[int, tuple["RgbdFrame", "NDArray[np.uint8]"]]


def journeys(data_set: DataSet, frames: Frames) -> Iterator[tuple[int, int]]:
    """Lets the labels of all done frames travel, and saves what arrives at offered frames that nobody has looked at.

    Args:
        data_set: Whose labels travel.
        frames: The recording.

    Yields:
        After every step the steps made so far, and the frames that labels arrived at.

    Raises:
        RecordingError: Labels cannot be written.
    """
    position_of = {name: position for position, name in enumerate(frames.names)}
    done = sorted(
        position_of[name] for name, state in data_set.states.items() if state == "done" and name in position_of
    )
    steps = arrivals = 0
    starts = [None, *done, None]
    for before, after in pairwise(starts):
        arrived: _Arrived = {}
        for start, end, direction in (
            (before, len(frames) if after is None else after, 1),
            (after, -1 if before is None else before, -1),
        ):
            if start is None:
                continue
            for position, frame, labels in _journey(data_set, frames, start, end, direction):
                steps += 1
                if position in frames.offered:
                    met = meet(arrived[position][1], labels) if position in arrived else labels
                    arrived[position] = (frame, labels if met is None else met)
                yield steps, arrivals
        for position, (frame, labels) in sorted(arrived.items()):
            name = frames.names[position]
            if data_set.states.get(name) in (None, "travelled"):
                data_set.save(name, frame, labels, "travelled")
                arrivals += 1
                yield steps, arrivals


def _journey(
    data_set: DataSet, frames: Frames, start: int, end: int, direction: int
) -> Iterator[tuple[int, RgbdFrame, NDArray[np.uint8]]]:
    try:
        frame = frames.read(start)
        labels = data_set.read(frames.names[start], frame.depth.shape)
    except RecordingError as error:  # The others travel.
        data_set.messages.append(f"{error}. Nothing travels from there")
        return
    if labels is None:
        return
    traveller = Traveller(frame, labels)
    for position in range(start + direction, end, direction)[:_LONGEST]:
        try:
            frame = frames.read(position)
        except RecordingError:
            return  # What lies behind a damaged frame cannot be reached.
        arrived = traveller.step(frame)
        if arrived is None or (arrived.labels > 0).mean() < _LEAST_SHARE:
            return
        yield position, frame, arrived.labels
