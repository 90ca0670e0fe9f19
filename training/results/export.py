"""From a checkpoint to a model file that opens in the window."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.models.model_file import Storage, load_model, save_model
from training.network.weights import load_trained
from training.results.evaluate import Predictor, fit_temperature, reliability

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.data.sample import LabelledPictures, Size

_SUFFIX = ".safetensors"


def export(
    source: Path,
    output: Path,
    storage: Storage = "float32",
    *,
    name: str | None = None,
    size: Size | None = None,
    calibration: LabelledPictures | None = None,
    notes: Sequence[str] = (),
) -> str:
    """Writes the model file.

    Args:
        source: A checkpoint or a model file.
        output: The model file.
        storage: How weights are stored.
        name: How people call the model; None keeps the run's name.
        size: Network input (height, width); None keeps the one it was trained at.
        calibration: Held-out pictures on which the confidence is made honest and, for smaller storage, the agreement
            with the full weights is measured; None leaves the temperature at that of the source.
        notes: Lines "KEY=TEXT" for the card's details.

    Returns:
        What was written, in sentences.

    Raises:
        ConfigurationError: A note is no KEY=TEXT, or the name is that of another kind of file.
        ModelError: The source cannot be read, or the file cannot be written.
    """
    if output.suffix != _SUFFIX:
        raise ConfigurationError(
            f"the model file {output} must end in {_SUFFIX}; other formats are made of it by rgbd-seg model export"
        )
    network, card = load_trained(source)
    details = dict(card.details) | {"exported": datetime.now(UTC).strftime("%Y-%m-%d")}
    for note in notes:
        key, equals, text = note.partition("=")
        if not equals:
            raise ConfigurationError(f"--note wants KEY=TEXT, not {note!r}")
        details[key] = text
    card = replace(card, name=name or card.name, size=size or card.size, details=details)
    said = []
    if calibration is not None:
        card = replace(card, temperature=fit_temperature(network, card, calibration))
        error = reliability(network, card, calibration).error()
        card = replace(card, scores=dict(card.scores) | {"reliability_error": error})
        said.append(
            f"temperature {card.temperature:.3f} fitted on {len(calibration)} held-out pictures; "
            f"reliability error {error:.3f}"
        )
    save_model(output, network, card, storage)
    if storage != "float32" and calibration is not None:
        stored, _ = load_model(output)
        full, small = Predictor(network, card), Predictor(stored, card)
        equal = total = 0
        for index in range(min(100, len(calibration))):
            sample = calibration.read(index)
            equal += int((full(sample) == small(sample)).sum())
            total += sample.label.size
        said.append(f"{equal / total:.3%} of pixels as with float32 weights")
    said.append(f"{output}: {output.stat().st_size / 1e6:.1f} MB, {len(card.label_set)} classes, input {card.size}")
    return "\n".join(said)
