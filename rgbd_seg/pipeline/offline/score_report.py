"""Scores of models as one HTML page that needs nothing else: by class, confusion, and the worst frames as pictures."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

import cv2
import numpy as np

from rgbd_seg.pipeline.offline.score_table import occurring, score_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rgbd_seg.pipeline.offline.score_source import ScoredFrame, SourceScore

_STYLE = (
    "body{font-family:sans-serif;max-width:75em;margin:2em auto;padding:0 1em}img{max-width:100%}"
    "table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .6em;text-align:right}"
    "th:first-child{text-align:left}"
)
_HEIGHT = 200


def score_page(source: str, scores: Sequence[SourceScore]) -> str:
    """The page.

    Args:
        source: What was scored on.
        scores: One of each model.
    """
    title = f"Scores on {html.escape(source)}"
    parts = [f"<h1>{title}</h1>", "<p>IoU by class, in percent.</p>", _by_class(scores)]
    for score in scores:
        parts.append(f"<h2>{html.escape(score.model)}</h2>")
        if score.note:
            parts.append(f"<p>{html.escape(score.note)}</p>")
        parts.append(_confusion(score))
        if score.worst:
            parts.append("<p>The worst frames: picture, labels, prediction, errors in red.</p>")
        parts += [_frame(score, one) for one in score.worst]
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f"{head}{''.join(parts)}</html>"


def _by_class(scores: Sequence[SourceScore]) -> str:
    """Means and classes, a column for each model."""
    rows = [["", *(score.model for score in scores)], ["frames", *(str(score.frames) for score in scores)]]
    rows += [[row.name, *map(_share, row.values)] for row in score_rows(scores)]
    lines = []
    for first, *others in rows:
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in others)
        lines.append(f"<tr><th>{html.escape(first)}</th>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _confusion(score: SourceScore) -> str:
    """Rows are the truth, in percent of the class; darker is more. Classes that occur nowhere have no row."""
    there = occurring(score)
    counts = score.matrix[there][:, [0, *there]]
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    names = [html.escape(score.matching.names[place - 1]) for place in there]
    head = "".join(f"<th>{name}</th>" for name in (*names, "none of them"))
    lines = [f"<tr><th>truth \\ predicted</th>{head}</tr>"]
    for name, row in zip(names, shares, strict=True):
        cells = "".join(
            f'<td style="background:rgba(40,90,180,{share:.2f})">{100 * share:.0f}</td>' for share in (*row[1:], row[0])
        )
        lines.append(f"<tr><th>{name}</th>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _frame(score: SourceScore, one: ScoredFrame) -> str:
    row = cv2.cvtColor(worst_picture(score, one, _HEIGHT), cv2.COLOR_RGB2BGR)
    encoded = base64.b64encode(cv2.imencode(".png", row)[1].tobytes()).decode()
    said = f"frame {one.index}: mean IoU {one.mean_iou:.3f}, {one.wrong.mean():.1%} wrong"
    return f'<h3>{said}</h3><img alt="picture, truth, prediction, errors in red" src="data:image/png;base64,{encoded}">'


def worst_picture(score: SourceScore, one: ScoredFrame, height: int) -> NDArray[np.uint8]:
    """Picture, labels, prediction and errors (in red) side by side; one class has one colour, that of the labels.

    Args:
        score: Of the model.
        one: A frame of `SourceScore.worst`.
        height: Of the result in pixels.

    Returns:
        (height, W, 3) uint8 RGB.
    """
    frame, labels = one.segmentation.frame, one.segmentation.labels
    truth = frame.truth
    assert truth is not None
    assert labels is not None
    assert one.segmentation.label_set is not None
    colors, own = truth.label_set.palette(), one.segmentation.label_set.palette()
    for label, place in enumerate(score.matching.predicted):
        if place:
            own[label] = colors[np.flatnonzero(score.matching.truth == place)[0]]
    dark = frame.color // 2
    dark[one.wrong] = (230, 40, 40)
    panels = [frame.color, colors[truth.labels], own[labels], dark]
    size = (max(1, round(height * frame.width / frame.height)), height)
    return np.hstack([cv2.resize(panel, size, interpolation=cv2.INTER_NEAREST) for panel in panels])


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.1f}"
