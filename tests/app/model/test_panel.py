"""The panel of the model: what cannot run here is grey and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QEnterEvent

from rgbd_seg.app.model.panel import ModelPanel
from rgbd_seg.app.widgets.theme import DARK
from rgbd_seg.inference.available import BackendChoice, DeviceChoice
from rgbd_seg.inference.segmenter import SegmenterOptions

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

CPU = DeviceChoice("cpu", "AMD EPYC", ("float32", "bfloat16"))
HERE = (
    BackendChoice("openvino", "", (CPU,)),
    BackendChoice("onnxruntime", "onnxruntime is not installed: pip install onnxruntime"),
    BackendChoice("torch", "", (CPU, DeviceChoice("cuda:1", "NVIDIA H200", ("float16",)))),
)


def offered(panel: ModelPanel, field: str) -> list[str]:
    box = panel._choices[field]
    return [box.itemText(row) for row in range(box.count()) if box.model().item(row).isEnabled()]


def test_only_what_can_run_here_is_offered(qtbot: QtBot) -> None:
    panel = ModelPanel(DARK, SegmenterOptions())
    qtbot.addWidget(panel)
    panel.show_backends(HERE)
    assert offered(panel, "backend") == ["auto", "openvino", "torch"]
    assert offered(panel, "device") == ["auto", "cpu", "cuda:1"]
    assert offered(panel, "precision") == ["auto", "float32", "bfloat16", "float16"]
    box = panel._choices["backend"]
    assert "not installed" in box.itemData(box.findText("onnxruntime"), Qt.ItemDataRole.ToolTipRole)


def test_devices_and_precisions_follow_the_back_end(qtbot: QtBot) -> None:
    panel = ModelPanel(DARK, SegmenterOptions())
    qtbot.addWidget(panel)
    panel.show_backends(HERE)
    panel.show_options(SegmenterOptions(backend="openvino"))
    assert offered(panel, "device") == ["auto", "cpu"]
    panel.show_options(SegmenterOptions(backend="torch", device="cuda:1"))
    assert offered(panel, "precision") == ["auto", "float16"]
    panel.show_options(SegmenterOptions(device="cuda:7"))  # Remembered from another machine.
    assert panel._choices["device"].currentText() == "cuda:7"


def test_the_machine_is_asked_once_when_the_hand_comes_near(qtbot: QtBot) -> None:
    panel = ModelPanel(DARK, SegmenterOptions())
    qtbot.addWidget(panel)
    asked = []
    panel.backends_wanted.connect(lambda: asked.append(1))
    for _ in range(2):
        panel.enterEvent(QEnterEvent(QPointF(), QPointF(), QPointF()))
    assert len(asked) == 1
