"""Several data sets in one run, each with its share of the training pictures: real rooms beside rooms drawn, say."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from rgbd_seg.errors import ConfigurationError
from training.data.data_module import RgbdData, Split
from training.data.sample import LabelledPictures, Sample

_MOST_PICTURES = 1_000_000


class Mixed(LabelledPictures):
    """Pictures of several sets with equal classes, each set repeated until it has its share."""

    def __init__(self, sets: Sequence[LabelledPictures], shares: Sequence[float]) -> None:
        """Lays the sets one behind the other.

        Args:
            sets: All with the same classes.
            shares: For each, its share of all pictures; they count in proportion to their sum.

        Raises:
            ConfigurationError: The classes differ, or a share is not above 0.
        """
        if len(sets) != len(shares) or not sets or not all(share > 0 for share in shares):
            raise ConfigurationError(
                f"data.shares must give every one of the {len(sets)} sources a number above 0, not {list(shares)}"
            )
        self.label_set = sets[0].label_set
        for other in sets[1:]:
            if other.label_set.names != self.label_set.names:
                mine, theirs = set(self.label_set.names), set(other.label_set.names)
                odd = ", ".join(sorted(mine ^ theirs)[:6]) or "the same names in another order"
                raise ConfigurationError(
                    f"the sources have different classes ({len(mine)} and {len(theirs)}; {odd}): name the same label "
                    "set for each, or merge classes in each to the same ones"
                )
        self._sets = tuple(sets)
        # As many pictures as the largest set needs to come once, but at least once the first one.
        whole = sum(shares)
        wanted = max(len(pictures) * whole / share for pictures, share in zip(sets, shares, strict=True))
        least = len(sets[0]) * whole / shares[0]
        total = max(least, min(wanted, _MOST_PICTURES))
        self._ends = list(accumulate(max(1, round(total * share / whole)) for share in shares))

    def __len__(self) -> int:
        return self._ends[-1]

    def _find(self, index: int) -> tuple[LabelledPictures, int]:
        which = bisect_right(self._ends, index)
        place = index - (self._ends[which - 1] if which else 0)
        return self._sets[which], place % len(self._sets[which])

    def read(self, index: int) -> Sample:
        """Decodes one picture of the set that the number falls into."""
        pictures, place = self._find(index)
        return pictures.read(place)

    def draw(self, index: int, seed: int) -> Sample:
        """Decodes one picture for training."""
        pictures, place = self._find(index)
        return pictures.draw(place, seed)

    def weight(self, index: int) -> float:
        """What the picture counts in its own set."""
        pictures, place = self._find(index)
        return pictures.weight(place)


class MixtureData(RgbdData):
    """Trains on several sources at once; validates and tests on the first one, which is what the model is for."""

    def __init__(self, sources: list[RgbdData], shares: list[float] | None = None, **shared: Any) -> None:
        """Takes the settings.

        Args:
            sources: Data modules; of their settings those count that say where their pictures come from.
            shares: For each source its share of the training pictures, None for equal ones.
            shared: What all data modules share: see `RgbdData`. Where the depth's statistics are not given, they are
                measured on the first source.

        Raises:
            ConfigurationError: There is no source.
        """
        super().__init__(**shared)
        if not sources:
            raise ConfigurationError("data.sources must name at least one data module")
        self.sources = sources
        self.shares = shares if shares is not None else [1.0] * len(sources)
        starts = {source.worker_start for source in sources} - {None}
        self.worker_start = next(iter(starts), None)  # type: ignore[misc]

    def open_split(self, split: Split) -> LabelledPictures:
        """The mixture to train on, or the pictures of the first source to validate or test on."""
        if split != "train":
            return self.sources[0].pictures(split)
        return Mixed([source.pictures("train") for source in self.sources], self.shares)

    @property
    def depth_source(self) -> LabelledPictures:
        """The pictures that the statistics of depth are measured on."""
        return self.sources[0].pictures("train")

    @property
    def description(self) -> str:
        """What is trained on, in words for the model's card."""
        whole = sum(self.shares)
        parts = zip(self.sources, self.shares, strict=True)
        return " + ".join(f"{share / whole:.0%} {source.description}" for source, share in parts)

    def teardown(self, stage: str) -> None:
        """Ends what the sources hold."""
        for source in self.sources:
            source.teardown(stage)
