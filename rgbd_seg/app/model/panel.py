"""The panel of the model: which one, on what, how fast, and how its output is smoothed and cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QEnterEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rgbd_seg.app.settings import PRECISIONS
from rgbd_seg.app.widgets.icons import dress
from rgbd_seg.app.widgets.theme import Theme
from rgbd_seg.inference.available import BACKENDS, BackendChoice, installed_backends
from rgbd_seg.inference.segmenter import SegmenterOptions
from rgbd_seg.pipeline.status import ModelState, Status

_DEVICES = ("auto", "cpu", "cuda", "gpu", "npu", "mps")
_SMOOTHINGS = ("off", "low", "high")
_TIPS = {
    "backend": "The library that runs the network",
    "device": "Where it runs; gpu and npu are OpenVINO's names for Intel devices",
    "precision": "Lower precision is faster and slightly less exact",
    "smoothing": "Averages class probabilities over time: calmer, with a little lag",
}


class ModelPanel(QWidget):
    """Shows the model's status; emits what is wanted."""

    file_wanted = Signal()
    bundled_wanted = Signal()
    close_wanted = Signal()
    reload_wanted = Signal(SegmenterOptions)  # Other back end, device or precision.
    tuning_wanted = Signal(SegmenterOptions)  # Other smoothing or threshold: no reload.
    backends_wanted = Signal()  # Once, when the hand comes near: what can run here is about to matter.

    def __init__(self, theme: Theme, options: SegmenterOptions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.options = options
        self._backends: tuple[BackendChoice, ...] = installed_backends()
        self._asked = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(self._make_title())
        self._progress = QProgressBar()
        self._progress.setRange(0, 1000)
        self._progress.setAccessibleName("How far the model is loaded")
        self._progress.setTextVisible(False)
        self._progress.hide()
        layout.addWidget(self._progress)
        self._about = QLabel()
        self._about.setObjectName("quiet")
        self._about.setWordWrap(True)
        self._about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(self._about)
        self._speed = QLabel()
        layout.addWidget(self._speed)
        layout.addLayout(self._make_form())
        layout.addStretch(1)

    def _make_title(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        self._name = QLabel("No model")
        self._name.setWordWrap(True)
        row.addWidget(self._name, 1)
        for name, tip, signal in (
            ("folder", "Load a model…  M", self.file_wanted),
            ("model", "Load the bundled model", self.bundled_wanted),
            ("eject", "Go on without a model", self.close_wanted),
        ):
            button = QToolButton()
            dress(button, name, "quiet", self._theme)
            button.setToolTip(tip)
            button.clicked.connect(signal)
            row.addWidget(button)
        return row

    def _make_form(self) -> QFormLayout:
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        self._choices: dict[str, QComboBox] = {}
        for field, label, entries in (
            ("backend", "Runs on", ("auto", *BACKENDS)),
            ("device", "Device", _DEVICES),
            ("precision", "Precision", PRECISIONS),
            ("smoothing", "Smoothing", _SMOOTHINGS),
        ):
            choice = QComboBox()
            choice.addItems(entries)
            choice.setToolTip(_TIPS[field])
            choice.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            choice.textActivated.connect(lambda text, f=field: self._choose(f, text))
            form.addRow(label, choice)
            self._choices[field] = choice
        row = QHBoxLayout()
        self.threshold = QSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(0, 99)
        self.threshold.setToolTip("Pixels of which the model is less sure stay unlabelled")
        self.threshold.valueChanged.connect(self._set_threshold)
        self._threshold_text = QLabel()
        self._threshold_text.setMinimumWidth(34)
        self._threshold_text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.threshold)
        row.addWidget(self._threshold_text)
        form.addRow("Sure from", row)
        self.reload = QPushButton("Measure again")
        self.reload.setToolTip("Loads the model again and chooses device and precision anew")
        self.reload.clicked.connect(lambda: self.reload_wanted.emit(self.options))
        form.addRow(self.reload)
        self.show_options(self.options)
        return form

    # Values in

    def show_options(self, options: SegmenterOptions) -> None:
        self.options = options
        for field, choice in self._choices.items():
            value = getattr(options, field)
            if choice.findText(value) < 0:  # Such as the device of another machine: to be seen, and to be left.
                choice.addItem(value)
            choice.setCurrentText(value)
        self._grey_out()
        blocker = QSignalBlocker(self.threshold)
        self.threshold.setValue(round(options.min_confidence * 100))
        blocker.unblock()
        self._threshold_text.setText(f"{round(options.min_confidence * 100)} %")

    def show_status(self, status: Status, memory_mb: float) -> None:
        """Shows the model and its measured time."""
        model = status.model
        self._progress.setVisible(model.state is ModelState.LOADING)
        self._progress.setValue(round(model.progress * 1000))
        self.reload.setEnabled(model.info is not None)
        if model.info is None:
            self._name.setText("Loading…" if model.state is ModelState.LOADING else "No model")
            self._about.setText(model.error or model.stage)
            self._about.setVisible(bool(model.error or model.stage))
            self._speed.hide()
            return
        info = model.info
        self._name.setText(info.model)
        self._name.setToolTip(info.origin)
        lines = [
            f"Trained on {info.trained_on}",
            f"{info.size[1]}x{info.size[0]} · {info.device} · {info.backend} {info.precision}",
        ]
        lines += list(info.notes)
        if model.error:
            lines.append(model.error)
        self._about.setText("\n".join(lines))
        details = "\n".join(f"{name}: {value}" for name, value in info.details.items())
        self._about.setToolTip("\n".join(part for part in (info.reason, details) if part))
        self._about.show()
        total = sum(status.stage_ms.values())
        self._speed.setVisible(total > 0)
        self._speed.setText(f"{total:.0f} ms a frame · {memory_mb / 1000:.1f} GB memory")
        self._speed.setToolTip("\n".join(f"{name}: {ms:.1f} ms" for name, ms in status.stage_ms.items()))

    def show_backends(self, backends: tuple[BackendChoice, ...]) -> None:
        """Offers only what can run here; the rest is grey, and its tool tip says why."""
        self._backends = backends
        for one in backends:  # Those of other packages were not looked for before.
            if self._choices["backend"].findText(one.name) < 0:
                self._choices["backend"].addItem(one.name)
        known = {self._choices["device"].itemText(row) for row in range(self._choices["device"].count())}
        for device in sorted({device.name for one in backends for device in one.devices} - known):
            self._choices["device"].addItem(device)
        self._grey_out()

    def _grey_out(self) -> None:
        problems = {one.name: one.problem for one in self._backends}
        _offer(self._choices["backend"], problems)
        chosen = [one for one in self._backends if self.options.backend in ("auto", one.name) and one.devices]
        if not chosen:  # Not asked yet, or nothing can run: the loading itself will say why.
            return
        who = "No back end here" if self.options.backend == "auto" else f"{self.options.backend}, as installed here,"
        devices = {device.name: device.title for one in chosen for device in one.devices}
        box = self._choices["device"]
        _offer(box, {name: "" if name in devices else f"{who} finds no {name}" for name in _texts(box)[1:]}, devices)
        usable = {
            precision
            for one in chosen
            for device in one.devices
            if self.options.device in ("auto", device.name)
            for precision in device.precisions
        }
        box = self._choices["precision"]
        _offer(box, {name: "" if name in usable else f"{who} computes no {name} there" for name in _texts(box)[1:]})

    def enterEvent(self, event: QEnterEvent) -> None:
        """Asks once what can run here."""
        if not self._asked:
            self._asked = True
            self.backends_wanted.emit()
        super().enterEvent(event)

    # Hands

    def _choose(self, field: str, text: str) -> None:
        if getattr(self.options, field) == text:
            return
        self.options = replace(self.options, **{field: text})  # type: ignore[arg-type]  # From the lists on offer.
        self._grey_out()
        (self.tuning_wanted if field == "smoothing" else self.reload_wanted).emit(self.options)

    def _set_threshold(self, percent: int) -> None:
        self._threshold_text.setText(f"{percent} %")
        self.options = replace(self.options, min_confidence=percent / 100)
        self.tuning_wanted.emit(self.options)


def _texts(box: QComboBox) -> list[str]:
    return [box.itemText(row) for row in range(box.count())]


def _offer(box: QComboBox, problems: Mapping[str, str], titles: Mapping[str, str] | None = None) -> None:
    """Greys out the entries of a list that have a problem, and says it in their tool tips."""
    model = box.model()
    assert isinstance(model, QStandardItemModel)
    for row, text in enumerate(_texts(box)):
        problem = problems.get(text, "")
        item = model.item(row)
        item.setEnabled(not problem)
        item.setToolTip(problem or (titles or {}).get(text, ""))
