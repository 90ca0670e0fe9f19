"""Where the labels of a data set come from: it stands beside them, so that predictions never pass for truth.

`labels.json` (or `rgbd_seg.json` in layouts without that file) has one of two keys more than a label set:

    "origin": "hand"                                       who made the truth: source, hand or imported
    "made_by": [{"model": ..., "sha256": ..., "how": ...}]  the labels are predictions of these models

Where both occur, `frames.csv` says of each frame which it is: an origin, or a position in `made_by`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.frame import TRUTH_ORIGINS, Prediction, Truth, TruthOrigin
from rgbd_seg.labels import LabelSet

_MAX_MODELS, _MAX_TEXT = 100, 300


@dataclass(frozen=True, slots=True)
class Maker:
    """A model that made labels: its name, the hash of its file, how it was run; "" where unknown."""

    model: str = ""
    sha256: str = ""
    how: str = ""

    def __str__(self) -> str:
        parts = [self.model or "a model without a name"]
        if self.sha256:
            parts.append(f"SHA-256 {self.sha256[:12]}")
        return ", ".join([*parts, self.how] if self.how else parts)


@dataclass(frozen=True, slots=True)
class LabelProvenance:
    """Where labels come from.

    Attributes:
        origin: Who made the truth among them, None where there is none.
        made_by: The models that made the others.
    """

    origin: TruthOrigin | None = "imported"
    made_by: tuple[Maker, ...] = ()

    @staticmethod
    def from_dict(data: Any) -> LabelProvenance:
        """Reads what `to_dict` wrote; what says nothing, or nonsense, was imported from somewhere."""
        if not isinstance(data, dict):
            return LabelProvenance()
        rows = data.get("made_by")
        makers = tuple(
            Maker(*(str(row.get(key) or "")[:_MAX_TEXT] for key in ("model", "sha256", "how")))
            for row in (rows if isinstance(rows, list) else [])[:_MAX_MODELS]
            if isinstance(row, dict)
        )
        origin = next((one for one in TRUTH_ORIGINS if one == data.get("origin")), None)
        return LabelProvenance(origin or (None if makers else "imported"), makers)

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {"origin": self.origin} if self.origin else {}
        if self.made_by:
            data["made_by"] = [{"model": m.model, "sha256": m.sha256, "how": m.how} for m in self.made_by]
        return data

    def labels(
        self,
        labels: NDArray[np.uint8],
        label_set: LabelSet,
        instances: NDArray[np.uint16] | None = None,
        mark: str = "",
    ) -> Prediction | Truth:
        """Labels of one frame as what they are.

        Args:
            labels: (H, W) uint8 ids.
            label_set: What they mean.
            instances: (H, W) uint16, or None.
            mark: What `frames.csv` says of this frame; "" where it says nothing.
        """
        origin = next((one for one in TRUTH_ORIGINS if one == mark), None)
        if origin is None and self.made_by:
            number = int(mark) if mark.isascii() and mark.isdigit() and len(mark) < 4 else 0
            maker = self.made_by[min(number, len(self.made_by) - 1)]
            return Prediction(labels, label_set, maker.model, maker.sha256, maker.how)
        return Truth(labels, label_set, instances, origin or self.origin or "imported")

    def __str__(self) -> str:
        """A few words: "predicted by DeResUNet-lite demo"; "" where all of it is truth."""
        if not self.made_by:
            return ""
        names = " and ".join(dict.fromkeys(maker.model or "a model without a name" for maker in self.made_by))
        return f"{'partly ' if self.origin else ''}predicted by {names}"


def provenance_of(labels: Prediction | Truth) -> LabelProvenance:
    """Who made the labels of one frame."""
    if isinstance(labels, Truth):
        return LabelProvenance(labels.origin)
    return LabelProvenance(None, (Maker(labels.model, labels.model_sha256, labels.made),))


@dataclass(slots=True)
class ProvenanceCounter:
    """Collects, while frames are written, where their labels come from."""

    origins: dict[TruthOrigin, int] = field(default_factory=dict)
    makers: dict[Maker, int] = field(default_factory=dict)

    def add(self, labels: Prediction | Truth) -> str:
        """Counts the labels of one frame; returns their mark for `frames.csv`."""
        if isinstance(labels, Truth):
            self.origins[labels.origin] = self.origins.get(labels.origin, 0) + 1
            return labels.origin
        maker = Maker(labels.model, labels.model_sha256, labels.made)
        self.makers[maker] = self.makers.get(maker, 0) + 1
        return str(list(self.makers).index(maker))

    @property
    def provenance(self) -> LabelProvenance:
        """What was counted; of several origins of truth the one of most frames."""
        most = sorted(self.origins, key=lambda one: -self.origins[one])[:1]
        return LabelProvenance(most[0] if most else None, tuple(self.makers))

    @property
    def note(self) -> str:
        """A sentence for whoever will use the labels; "" where they are truth."""
        predicted = sum(self.makers.values())
        if not predicted:
            return ""
        whole = not self.origins
        count = "The labels are" if whole else f"The labels of {predicted} frame{'s' * (predicted > 1)} are"
        return (
            f"{count} predictions of {' and '.join(dict.fromkeys(str(maker) for maker in self.makers))}, not truth: "
            "a network trained on them learns that model's mistakes."
        )
