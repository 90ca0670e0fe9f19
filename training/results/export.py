"""From a checkpoint to a model file that opens in the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.labels import BUILT_IN, LabelSet
from rgbd_seg.models.card import ModelCard
from rgbd_seg.models.deresunet import DeResUNet
from rgbd_seg.models.model_file import Storage, load_model, save_model
from rgbd_seg.scores import confusion_matrix, mean_iou, pixel_accuracy, translation
from training.data.sample import LabelledPictures, Size
from training.network.weights import load_trained
from training.results.evaluate import Predictor, fit_temperature, reliability

_SUFFIX = ".safetensors"
_PICTURES_FOR_RANGES = 24


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
        calibration: Held-out pictures on which the confidence is made honest, the ranges for int8 and what that loses
            are measured and, for smaller storage, the agreement with the full weights; None leaves all that.
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
    card = replace(
        card,
        name=name or card.name,
        size=size or card.size,
        details=details,
        label_set=_in_todays_colors(card.label_set),
    )
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
    if calibration is not None:
        card = _prepare_int8(output, network, card, storage, calibration, said)
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


def _in_todays_colors(label_set: LabelSet) -> LabelSet:
    """A built-in label set with the colours that it has now, which a run may be older than."""
    if label_set.name not in BUILT_IN:
        return label_set
    now = LabelSet.load(label_set.name)
    return now if now.names == label_set.names else label_set


def _prepare_int8(
    output: Path,
    network: DeResUNet,
    card: ModelCard,
    storage: Storage,
    pictures: LabelledPictures,
    said: list[str],
) -> ModelCard:
    """Puts the ranges for int8 into a model file, and what int8 loses; says so in `said`.

    Returns:
        The card as it is in the file now; as it was where OpenVINO, which int8 runs on, is not to be had.
    """
    from rgbd_seg.inference.openvino.int8 import ranges_on

    chosen = np.unique(np.linspace(0, len(pictures) - 1, _PICTURES_FOR_RANGES).astype(int))
    try:
        ranges = ranges_on(output, [pictures.read(int(index)).as_frame() for index in chosen])
    except ModelError as error:
        said.append(f"not prepared for int8: {error}")
        return card
    save_model(output, network, replace(card, ranges=ranges), storage)
    exact, whole = (_scores_of(output, precision, pictures) for precision in ("float32", "int8"))
    loss = (
        f"{mean_iou(whole):.4f} mean IoU and {pixel_accuracy(whole):.2%} of the pixels, in float32 "
        f"{mean_iou(exact):.4f} and {pixel_accuracy(exact):.2%}, on {len(pictures)} held-out pictures, {len(chosen)} "
        "of which set the ranges"
    )
    said.append(f"int8: {loss}")
    card = replace(card, ranges=ranges, details=dict(card.details) | {"int8": loss})
    save_model(output, network, card, storage)
    return card


def _scores_of(model: Path, precision: str, pictures: LabelledPictures) -> NDArray[np.int64]:
    """The confusion matrix of a model file over all pictures, as OpenVINO runs it here."""
    from rgbd_seg.inference import SegmenterOptions, open_segmenter

    total = None
    height, width = pictures.read(0).label.shape
    options = SegmenterOptions(backend="openvino", precision=precision, frame_size=(height, width))
    with open_segmenter(model, options) as segmenter:
        table = translation(pictures.label_set, segmenter.label_set)
        for index in range(len(pictures)):
            sample = pictures.read(index)
            labels = segmenter(sample.as_frame(index)).labels
            assert labels is not None
            counts = confusion_matrix(table[sample.label], labels, len(segmenter.label_set))
            total = counts if total is None else total + counts
    assert total is not None
    return total
