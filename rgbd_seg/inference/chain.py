"""A deployed graph as a back end runs it: models one after the other, and another last one for smoothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# The names of the tensors between the parts, in the order of `ScoringGraph`, and of what smoothing remembers, in that
# of `SmoothingState`; for back ends that know tensors by name.
SCORES = ("logits", "network_color", "network_depth_m")
STRENGTH, AVERAGED = "strength", "averaged"
STATE = ("probabilities", "previous_color", "previous_depth_m")


@dataclass(frozen=True, slots=True)
class Chain:
    """What makes each of the models, in the back end's own form; called only where the cache does not have it.

    Attributes:
        chain: By name, in the order in which they run: from the camera's bytes to labels and confidence.
        smoothed: Makes what takes the place of the last one while smoothing is on, with the inputs and outputs of
            `SmoothedDecision`; None for a network that runs without.
    """

    chain: Mapping[str, Callable[[], Any]]
    smoothed: Callable[[], Any] | None = None
