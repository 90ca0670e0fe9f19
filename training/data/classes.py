"""From many classes to fewer: merging by name, and the usual 13 out of the 37 of SUN RGB-D."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelClass, LabelSet

# Id among the 13 classes for each of the 37, in order: Couprie et al.'s 13 classes of NYUv2, as used on SUN RGB-D.
SUN_37_TO_13 = (
    *(12, 5, 6, 1, 4, 9, 10, 12, 13, 6, 8, 6, 13, 10, 6, 13, 6, 7, 7),
    *(5, 7, 3, 2, 6, 11, 7, 7, 7, 7, 7, 7, 6, 7, 7, 7, 7, 7),
)


def merged(label_set: LabelSet, merge: Mapping[str, Sequence[str]]) -> tuple[LabelSet, NDArray[np.uint8]]:
    """A smaller label set and the table that leads to it.

    Args:
        label_set: The classes on disk.
        merge: New classes in order, each with the names of the old ones that become it.

    Returns:
        The new set (each class in the colour of its first member) and (256,) uint8 new ids by old id, 0 = void.

    Raises:
        ConfigurationError: A name is unknown or stands in two places.
    """
    table = np.zeros(256, np.uint8)
    classes = []
    for new_id, (name, members) in enumerate(merge.items(), start=1):
        if not members:
            raise ConfigurationError(f"the merged class {name!r} has no members")
        for member in members:
            old_id = label_set.id_of(member)
            if table[old_id]:
                raise ConfigurationError(f"the class {member!r} is merged into two classes")
            table[old_id] = new_id
        classes.append(LabelClass(name, label_set.classes[label_set.id_of(members[0]) - 1].color))
    return LabelSet(f"{label_set.name}-{len(classes)}", tuple(classes)), table


def sun_13() -> tuple[LabelSet, NDArray[np.uint8]]:
    """The 13-class set and the table from the 37 classes: (256,) uint8."""
    table = np.zeros(256, np.uint8)
    table[1:38] = SUN_37_TO_13
    return LabelSet.load("sunrgbd13"), table
