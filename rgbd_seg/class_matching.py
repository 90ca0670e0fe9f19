"""Which classes of a model are compared with which of a data set that has other ones, and what is left out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet


@dataclass(frozen=True, slots=True, eq=False)
class ClassMatching:
    """The classes that both sides know, by name or by what was said of them.

    Attributes:
        names: The classes that are scored, in order.
        truth: (256,) uint8, place among `names` from 1 by the data's id; 0: left out of every score.
        predicted: (256,) uint8, the same by the model's id; 0: none of them, which is wrong wherever truth has one.
        only_truth: The data's classes that the model has no counterpart of. Their pixels are left out.
        only_predicted: The model's classes that the data have no counterpart of. They get no score of their own.
    """

    names: tuple[str, ...]
    truth: NDArray[np.uint8]
    predicted: NDArray[np.uint8]
    only_truth: tuple[str, ...]
    only_predicted: tuple[str, ...]

    @property
    def left_out(self) -> str:
        """What is not compared, in a sentence; "" if everything is."""
        said = []
        if self.only_truth:
            said.append(f"left out, since the model has no such class: the pixels of {', '.join(self.only_truth)}")
        if self.only_predicted:
            said.append(
                f"without a score of their own, since the labels have no such class: {', '.join(self.only_predicted)} "
                "(where they are predicted, that counts as wrong)"
            )
        return "; ".join(said)


def match_classes(model: LabelSet, data: LabelSet, mapping: Mapping[str, Sequence[str]] | None = None) -> ClassMatching:
    """Matches by name; upper case, spaces and hyphens make no difference.

    Args:
        model: What is predicted.
        data: What is labelled.
        mapping: Classes of either side that are one and the same, by the name that they are scored under.

    Raises:
        ConfigurationError: Neither side has such a class, one is named twice, or nothing is left to compare.
    """
    groups: dict[str, str] = {}  # The name it is scored under, by the plain name of each class that was named.
    for name, members in (mapping or {}).items():
        for member in dict.fromkeys((name, *members)):
            if groups.setdefault(_plain(member), name) != name:
                raise ConfigurationError(
                    f"the class {member!r} is mapped to both {groups[_plain(member)]!r} and {name!r}"
                )
        known = {_plain(one) for one in (*model.names, *data.names)}
        unknown = [one for one in members if _plain(one) not in known]
        if unknown or not members:
            raise ConfigurationError(
                f"neither the model nor the data have a class {(unknown or [name])[0]!r}: the model has "
                f"{', '.join(model.names)}, the data {', '.join(data.names)}"
            )
    sides = [[(groups.get(_plain(one), one), one) for one in side.names] for side in (model, data)]
    keys = [{_plain(scored) for scored, _ in side} for side in sides]
    common = keys[0] & keys[1]
    names = tuple(dict.fromkeys(scored for scored, _ in sides[0] if _plain(scored) in common))
    if not names:
        raise ConfigurationError(
            f"the model and the data have no class in common: the model has {', '.join(model.names)}, the data "
            f"{', '.join(data.names)}; say which are the same"
        )
    places = {_plain(name): place for place, name in enumerate(names, start=1)}
    predicted, truth = (_table(side, places) for side in sides)
    only_predicted, only_truth = (tuple(one for scored, one in side if _plain(scored) not in common) for side in sides)
    return ClassMatching(names, truth, predicted, only_truth, only_predicted)


def parse_mapping(texts: Sequence[str]) -> dict[str, list[str]]:
    """A mapping as the command line gives it, `NAME=CLASS[,CLASS...]` each.

    Raises:
        ConfigurationError: A text is none.
    """
    mapping = {}
    for text in texts:
        name, equals, members = text.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"--map wants NAME=CLASS[,CLASS...], not {text!r}")
        mapping[name] = members.split(",")
    return mapping


def _plain(name: str) -> str:
    return name.casefold().replace(" ", "_").replace("-", "_")


def _table(side: Sequence[tuple[str, str]], places: Mapping[str, int]) -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    table[1 : len(side) + 1] = [places.get(_plain(scored), 0) for scored, _ in side]
    return table
