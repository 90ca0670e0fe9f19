"""Labels in a recording of ROS that we exported: class ids beside the pictures, and in the channel what they mean.

Two keys of the channel's metadata tell it: `label_set` (the classes, as in `labels.json`) and `labels` (who made them,
as in LabelProvenance), so that predictions do not come back as truth.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.labels import LabelSet
from rgbd_seg.recording.label_provenance import LabelProvenance
from rgbd_seg.recording.messages.message import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rgbd_seg.frame import Prediction, Truth
    from rgbd_seg.recording.messages.store import MessageStore, Topic

#: Keys of a channel's metadata.
LABEL_SET, PROVENANCE = "label_set", "labels"


def metadata_of(label_set: LabelSet, provenance: LabelProvenance) -> dict[str, str]:
    """What a channel of class ids says of them."""
    return {LABEL_SET: label_set.to_json(), PROVENANCE: json.dumps(provenance.to_dict())}


@dataclass(frozen=True, slots=True, eq=False)
class LabelTopic:
    """Class ids on one topic: rows by the time at which they were recorded."""

    topic: Topic
    label_set: LabelSet
    provenance: LabelProvenance
    rows: Mapping[int, int]


def label_topics(topics: Mapping[str, Topic]) -> tuple[list[LabelTopic], list[str]]:
    """The topics of class ids that say what they mean, truth first; and sentences about those that do not any more."""
    found, notes = [], []
    for name, topic in topics.items():
        about = topic.channel.metadata
        if LABEL_SET not in about:
            continue
        try:
            label_set = LabelSet.from_dict(json.loads(about[LABEL_SET]), name)
            made: Any = json.loads(about.get(PROVENANCE, "{}"))
        except (RgbdSegError, ValueError, RecursionError) as error:
            notes.append(f"The labels on {name:.60} are left out: what they mean cannot be read ({error!s:.100}).")
            continue
        rows = {int(time_ns): row for row, time_ns in enumerate(topic.places[:, 0])}
        found.append(LabelTopic(topic, label_set, LabelProvenance.from_dict(made), rows))
    return sorted(found, key=lambda one: one.provenance.origin is None), notes


def labels_at(
    store: MessageStore, topics: list[LabelTopic], time_ns: int, size: tuple[int, int]
) -> Prediction | Truth | None:
    """The labels of the frame that was recorded at a time, None if it has none of its size (height, width).

    Raises:
        RecordingError: They are damaged.
    """
    for one in topics:
        if time_ns not in one.rows:
            continue
        place = one.topic.places[one.rows[time_ns]]
        picture = one.topic.channel.read(store.message(int(place[3]), place[:3]))
        if isinstance(picture, Picture) and picture.role == "gray":
            ids = np.ascontiguousarray(picture.color()[..., 0])
            if ids.shape == size:
                return one.provenance.labels(ids, one.label_set)
    return None
