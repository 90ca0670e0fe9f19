"""The line at the bottom: rates, delay and losses in a user's words on the left, the probe on the right."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QLabel, QSizePolicy, QStatusBar, QWidget

from rgbd_seg.pipeline.status import ModelState, State, Status, losses_text


def rate_texts(
    status: Status, source: str, *, paused: bool = False, frozen: bool = False, labels_age_ms: float | None = None
) -> tuple[str, str, str, str]:
    """Four short texts: arrival, segmentation, delay, losses; empty while they mean nothing.

    Args:
        status: The pipeline's snapshot.
        source: "camera", "recording" or "synthetic".
        paused: Whether the replay of a recording stands still: nothing arrives then, and there is no delay.
        frozen: Whether the views stand still while a camera goes on.
        labels_age_ms: How much older the labels are than the pictures under them; None where they are of one moment.
    """
    if status.state is not State.RUNNING:
        return "", "", "", ""
    who = {"recording": "replay", "synthetic": "room"}.get(source, "camera")
    arrival = f"{who} paused" if paused else f"{who} {status.capture_fps:.1f} fps"
    model = status.model
    if model.state is ModelState.LOADING:
        segmentation = f"model: {model.stage or 'loading'} {round(model.progress * 100)} %"
    elif model.info is not None:
        segmentation = "" if paused else f"segmentation {status.segment_fps:.1f} fps"
    else:
        segmentation = "no model"
    behind = f"{status.behind_ms:.0f} ms behind" if labels_age_ms is None else f"labels {_age_text(labels_age_ms)} old"
    return arrival, segmentation, "view frozen" if frozen else "" if paused else behind, losses_text(status)


def _age_text(age_ms: float) -> str:
    return f"{age_ms:.0f} ms" if age_ms < 1000 else f"{age_ms / 1000:.1f} s"


_MARGINS_PX = 32  # Around the probe, and Qt's own between what is on the line.


class StatusLine(QStatusBar):
    """Shows texts; every figure keeps its place."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._rates = [QLabel() for _ in range(4)]
        metrics = QFontMetrics(self.font())
        for label, widest in zip(
            self._rates, ("camera 000.0 fps", "segmentation 000.0 fps", "labels 0000 ms old", "0000 lost"), strict=True
        ):
            label.setMinimumWidth(metrics.horizontalAdvance(widest) + 20)
            label.setContentsMargins(8, 0, 0, 0)
            self.addWidget(label)
        self._rates[1].setToolTip("How many pictures a second the model has segmented")
        self._rates[2].setToolTip(
            "How much older the labels are than the picture under them, or from a frame's arrival to its result"
        )
        self._rates[3].setToolTip(
            "Frames that the source counted but that never arrived, and how long nothing came at all"
        )
        self._score = QLabel()
        self.addWidget(self._score)
        self._probe = QLabel()
        self._probe.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._probe.setContentsMargins(8, 0, 8, 0)
        self.addPermanentWidget(self._probe, 1)
        self._probed = self._said = ""
        self._notice_over = QTimer(self)
        self._notice_over.setSingleShot(True)
        self._notice_over.timeout.connect(lambda: self._say(self._probed))

    def show_rates(self, texts: tuple[str, str, str, str]) -> None:
        """Shows rates; `rate_texts` makes them."""
        for label, text in zip(self._rates, texts, strict=True):
            label.setText(text)

    def show_score(self, text: str, meaning: str = "") -> None:
        """Shows how the model does, "" for nothing to compare with, and what that figure means."""
        self._score.setText(text)
        self._score.setToolTip(meaning)

    def show_probe(self, text: str) -> None:
        """Shows what is under the pointer, "" for nothing."""
        self._probed = text
        if not self._notice_over.isActive():
            self._say(text)

    def show_notice(self, text: str, time_ms: int) -> None:
        """Shows a sentence in the probe's place for a while.

        Qt's own messages hide the figures, and the probe's label leaves them no room to be read.
        """
        self._say(text)
        self._notice_over.start(time_ms)

    def _say(self, text: str) -> None:
        """Shows it whole: where there is too little room the score makes some; the tooltip has what is longer still."""
        self._said = text
        taken_px = sum(max(label.minimumWidth(), label.sizeHint().width()) for label in self._rates)
        room_px = self.width() - taken_px - _MARGINS_PX
        metrics = self._probe.fontMetrics()
        wanted_px = metrics.horizontalAdvance(text)
        self._score.setVisible(wanted_px + self._score.sizeHint().width() <= room_px)
        self._probe.setText(metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(room_px, 0)))
        self._probe.setToolTip(text if wanted_px > room_px else "")

    @property
    def text(self) -> str:
        """Everything on the line, for tests and screen readers."""
        texts = (*(label.text() for label in (*self._rates, self._score)), self._said)
        return "   ".join(text for text in texts if text)
