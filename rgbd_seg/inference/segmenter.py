"""The one shape of a loaded network, and the way to open one on the best back end at hand.

To add a back end, write one file with what `rgbd_seg.inference` asks for, name it in its table, and let its test
inherit the conformance suite in `rgbd_seg.testing.backends`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rgbd_seg.frame import RgbdFrame, Segmentation
    from rgbd_seg.labels import LabelSet

Smoothing = Literal["off", "low", "high"]
# Weight of what was seen before at a pixel where everything agrees: a random flicker falls to (1 - w) / (1 + w) of its
# variance, and a change that the gates miss takes about 1 / (1 - w) frames to show.
STRENGTHS: dict[Smoothing, float] = {"off": 0.0, "low": 0.6, "high": 0.85}


@dataclass(frozen=True, slots=True)
class SegmenterOptions:
    """How a model is to be run; "auto" lets the program choose and say why.

    Attributes:
        backend: "auto", "torch", "openvino" or "onnxruntime".
        device: "auto", "cpu", "cuda", "cuda:1", "mps", "gpu", "npu", ... as the back end names it.
        precision: "auto", "float32", "float16", "bfloat16" or "int8".
        size: Network input (height, width); None for the size in the model's card.
        smoothing: Temporal smoothing of the class probabilities.
        min_confidence: Pixels below this confidence (0..1) stay unlabelled.
        threads: CPU threads of the back end; None leaves the window its share.
        frame_size: (height, width) of the frames to come, so that all is ready before the first; None where that is
            not known: a model is then prepared for 480x640, and once more if the first frame has another size.
    """

    backend: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    size: tuple[int, int] | None = None
    smoothing: Smoothing = "off"
    min_confidence: float = 0.0
    threads: int | None = None
    frame_size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class SegmenterInfo:
    """What was loaded, and what was chosen and why.

    Attributes:
        model: Name of the model.
        origin: The file it came from.
        trained_on: What the card says that the model was trained on; "random weights" if nothing.
        backend: The back end that runs it.
        device: Where, such as "NVIDIA H200" or "CPU".
        precision: The arithmetic.
        size: Network input (height, width).
        reason: Why this back end, device and precision, in a sentence.
        notes: Fallbacks that were taken, each a sentence.
        details: Scores, parameters, licence and the like, as plain text.
        sha256: Hash of the model's file in hexadecimal, "" if it was not asked for.
    """

    model: str
    origin: str
    trained_on: str
    backend: str
    device: str
    precision: str
    size: tuple[int, int]
    reason: str
    notes: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""


class Segmenter(ABC):
    """A loaded, warmed network: call it with a frame. Used from one thread."""

    info: SegmenterInfo
    label_set: LabelSet

    @abstractmethod
    def __call__(self, frame: RgbdFrame) -> Segmentation:
        """Segments one frame.

        Raises:
            ModelError: The back end failed; the message says what to do.
        """

    def batch(self, frames: Sequence[RgbdFrame]) -> list[Segmentation]:
        """Segments several unrelated frames (no smoothing between them); faster where the device gains by it."""
        results = []
        for frame in frames:
            self.reset()
            results.append(self(frame))
        return results

    def configure(self, *, smoothing: Smoothing, min_confidence: float) -> None:
        """Adopts settings that need no reload; takes effect with the next frame."""

    def prepare(self, frame_size: tuple[int, int]) -> None:
        """Makes ready for frames of that height and width, so that the first is not slower than the others.

        Raises:
            ModelError: The back end failed; the message says what to do.
        """

    def reset(self) -> None:
        """Forgets earlier frames (after a seek or a cut)."""

    def close(self) -> None:
        """Frees the device. Closing twice does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
