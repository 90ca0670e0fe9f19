"""Pictures of samples and figures of scores, for TensorBoard, `show` and `report`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.scores import Scores

_ROW_HEIGHT = 180
_DEPTH_SHOWN_M = 6.0


def depth_picture(depth_m: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of metres: near is dark blue, 6 m and more is red, holes are black."""
    scaled = np.clip(depth_m / _DEPTH_SHOWN_M * 255, 0, 255).astype(np.uint8)
    picture = cv2.cvtColor(cv2.applyColorMap(scaled, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    picture[depth_m <= 0] = 0
    return np.asarray(picture, np.uint8)


def sample_row(
    color: NDArray[np.uint8],
    depth_m: NDArray[np.float32],
    truth: NDArray[np.uint8],
    predicted: NDArray[np.uint8] | None,
    palette: NDArray[np.uint8],
    wrong: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """Colour, depth, truth and, where given, prediction and what is wrong with it beside each other.

    Args:
        color: (H, W, 3) uint8 RGB.
        depth_m: (H, W) metres.
        truth: Label ids, any size.
        predicted: Label ids, any size, or None.
        palette: (256, 3) colours by id.
        wrong: Where the prediction is wrong, of the truth's size, or None; drawn red on the darkened picture, and black
            where the truth is void.

    Returns:
        (180, W', 3) uint8 RGB.
    """
    panels = [color, depth_picture(depth_m), palette[truth]]
    if predicted is not None:
        panels.append(palette[predicted])
    if wrong is not None:
        panels.append(_error_map(color, truth, wrong))
    width = max(1, round(_ROW_HEIGHT * color.shape[1] / color.shape[0]))
    modes = (cv2.INTER_LINEAR, *(cv2.INTER_NEAREST,) * 4)
    sized = [
        cv2.resize(panel, (width, _ROW_HEIGHT), interpolation=mode) for panel, mode in zip(panels, modes, strict=False)
    ]
    return np.asarray(np.hstack(sized), np.uint8)


def _error_map(color: NDArray[np.uint8], truth: NDArray[np.uint8], wrong: NDArray[np.bool_]) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(cv2.resize(color, (truth.shape[1], truth.shape[0])), cv2.COLOR_RGB2GRAY) // 2
    picture = np.repeat(grey[..., None], 3, axis=2)
    picture[wrong] = (230, 40, 40)
    picture[truth == 0] = 0
    return np.asarray(picture, np.uint8)


def confusion_figure(scores: Scores) -> Figure:
    """The confusion matrix, each row in shares of the true class."""
    shares = (scores.matrix / np.maximum(scores.matrix.sum(1, keepdims=True), 1))[1:, 1:]
    side = max(4.0, 0.3 * len(scores.names) + 2)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    ticks = range(len(scores.names))
    axes.set_xticks(ticks, scores.names, rotation=90)
    axes.set_yticks(ticks, scores.names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if len(scores.names) <= 20:
        for row in ticks:
            for column in ticks:
                share = shares[row, column]
                if share >= 0.01:
                    shade = "white" if share > 0.5 else "black"
                    axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=7, color=shade)
    figure.colorbar(image, ax=axes, shrink=0.7, label="share of the true class")
    return figure


def bars_figure(scores: Mapping[str, Scores]) -> Figure:
    """IoU of every class, one bar for each run."""
    names = next(iter(scores.values())).names
    figure = Figure(figsize=(max(6.0, 0.45 * len(names) + 2), 4), layout="constrained")
    axes = figure.add_subplot()
    width = 0.8 / len(scores)
    for i, (run, result) in enumerate(scores.items()):
        places = np.arange(len(names)) + i * width
        axes.bar(places, np.nan_to_num(result.iou), width, label=f"{run}: {result.miou:.3f}")
        for place in places[np.isnan(result.iou)]:  # No bar is not the same as one of height 0.
            axes.text(place, 0.01, "absent", rotation=90, ha="center", va="bottom", fontsize=7, color="gray")
    axes.set_xticks(np.arange(len(names)) + 0.4 - width / 2, names, rotation=90)
    axes.set_ylabel("IoU")
    axes.set_ylim(0, 1)
    # Beside the bars: good scores fill the whole height, and inside it would lie on them.
    figure.legend(title="mIoU", loc="outside right upper")
    return figure


def curves_figure(title: str, curves: Mapping[str, Sequence[tuple[int, float]]]) -> Figure:
    """One line of (step, value) for each run."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for run, points in curves.items():
        if points:
            steps, values = zip(*points, strict=True)
            axes.plot(steps, values, label=run, marker="." if len(points) < 30 else None)
    axes.set_xlabel("step")
    axes.set_title(title)
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def labelled_grid(
    rows: Sequence[NDArray[np.uint8]], titles: Sequence[str], names: Sequence[str], palette: Any
) -> Figure:
    """Rows of samples with a title each and a legend of the classes."""
    figure = Figure(figsize=(10, 2.3 * len(rows) + 1), layout="constrained")
    for i, (row, title) in enumerate(zip(rows, titles, strict=True)):
        axes = figure.add_subplot(len(rows), 1, i + 1)
        axes.imshow(row)
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
    from matplotlib.patches import Patch

    patches = [Patch(color=palette[i + 1] / 255, label=name) for i, name in enumerate(names)]
    figure.legend(handles=patches, loc="outside lower center", ncols=min(8, len(names)), fontsize=7)
    return figure
