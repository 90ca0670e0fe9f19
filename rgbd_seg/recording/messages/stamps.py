"""When the pictures of a topic were taken by their own account, also where reading them all would take minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.errors import RecordingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rgbd_seg.recording.messages.store import MessageStore, Topic

# Of this many pictures one may be damaged before their stamps are given up as a whole.
_SHARE_WITHOUT_STAMP = 0.2
# Where each stamp costs unpacking megabytes, so many are read.
SAMPLES = 100


def stamps_of(store: MessageStore, topic: Topic) -> tuple[NDArray[np.int64] | None, str]:
    """(N,) nanoseconds; None if the pictures do not say.

    Returns:
        The stamps, and a sentence if most of them are those of recording, moved by how late it usually was.
    """
    count = len(topic.places)
    if store.slow and count > 2 * SAMPLES:
        stamps = _from_samples(store, topic)
        if stamps is not None:
            return stamps
    return _read(store, topic, np.arange(count)), ""


def _from_samples(store: MessageStore, topic: Topic) -> tuple[NDArray[np.int64], str] | None:
    """All stamps from some of them, where recording was late by nearly the same for each."""
    logged = topic.places[:, 0]
    rows = np.unique(np.linspace(0, len(logged) - 1, SAMPLES).astype(np.int64))
    found = _read(store, topic, rows)
    if found is None:
        return None
    late = logged[rows] - found
    usual, spread = np.int64(np.median(late)), float(np.ptp(late))
    if spread > np.median(np.diff(logged)) / 2:
        return None
    stamps = logged - usual
    stamps[rows] = found
    note = (
        f"{store.path.name} is packed so that reading every picture's own time would take minutes: of "
        f"{topic.channel.topic} {len(rows)} of {len(logged)} were read; the others are when they were recorded, less "
        f"{usual / 1e6:.1f} ms, which is right to {spread / 1e6:.1f} ms."
    )
    return stamps, note


def _read(store: MessageStore, topic: Topic, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
    stamps = np.zeros(len(rows), np.int64)
    missing = []
    places = topic.places[rows]
    for row, place in enumerate(places):
        try:
            stamp = topic.channel.read_stamp(store.head(int(place[3]), place[:3]))
        except RecordingError:
            stamp = None
        if stamp is None or not 0 < stamp < 2**62:
            missing.append(row)
            if len(missing) > max(1, _SHARE_WITHOUT_STAMP * len(places)):
                return None
        else:
            stamps[row] = stamp
    if missing:  # Damaged ones keep a place, so that their frames can be told.
        late = np.median(np.delete(places[:, 0] - stamps, missing)) if len(missing) < len(stamps) else 0
        stamps[missing] = places[missing, 0] - np.int64(late)
    return stamps
