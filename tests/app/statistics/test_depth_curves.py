"""Histogram and profile against a frame whose depth is known; and that the panel draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt

from rgbd_seg.app.statistics.depth_curves import depth_histogram, line_profile
from rgbd_seg.frame import RgbdFrame

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.window import MainWindow


def test_the_histogram_has_every_pixel_at_its_distance(frame: RgbdFrame) -> None:
    curve = depth_histogram(frame)
    values, across = np.array(curve.values), np.array(curve.across)
    holes = (8 * 8) / (64 * 48)
    assert values.sum() == pytest.approx(100 * (1 - holes))
    assert across[values > 0] == pytest.approx([1.0, 2.0], abs=0.026)
    assert values[np.argmax(across > 1.9) :].sum() == pytest.approx(50.0)
    assert "2.1% without depth" in curve.words
    blind = RgbdFrame(frame.color, np.zeros_like(frame.depth), frame.calibration, 0, 0)
    assert depth_histogram(blind).values == ()


def test_the_profile_follows_the_line_and_leaves_holes_open(frame: RgbdFrame) -> None:
    curve = line_profile(frame, ((0, 4), (63, 4)))
    values = np.array(curve.values)
    assert np.isnan(values[:8]).all()
    assert values[8] == pytest.approx(1.0)
    assert values[-1] == pytest.approx(2.0)
    assert curve.across[-1] == pytest.approx(63)
    assert line_profile(frame, ((40, 40), (20, 10))).values[0] == pytest.approx(2.0)


def test_the_panel_draws_them_and_the_selection_is_measured(window: MainWindow, qtbot: QtBot) -> None:
    window.sources.open("steady:one")
    qtbot.waitUntil(lambda: window.presenter.segmentation is not None)
    window.show_panel("Plots")
    panel = window.plots_panel
    panel.choice.setCurrentText("Depth along the ruler")
    panel.choice.activated.emit(panel.choice.currentIndex())
    window.figures.tick()
    assert "Lay the ruler first" in panel.legend.text()
    window.commands.run["ruler"]()
    for pixel in ((10, 30), (60, 30)):
        window.grid.clicked.emit(pixel, Qt.KeyboardModifier.NoModifier)
    window.figures.tick()
    assert "1.000 to 2.000 m" in panel.legend.text()
    panel.choice.setCurrentText("Histogram of depth")
    panel.choice.activated.emit(panel.choice.currentIndex())
    window.figures.tick()
    assert "without depth" in panel.legend.text()
    window.commands.run["select_area"]()
    for pixel in ((34, 10), (60, 40)):
        window.grid.clicked.emit(pixel, Qt.KeyboardModifier.NoModifier)
    selection = window.presenter.pointing.selection
    assert selection is not None
    assert selection.area_m2 == pytest.approx(27 * 31 * (2 / 60) ** 2, rel=0.01)  # 2 m away, straight ahead.
    assert selection.volume_m3 == pytest.approx(0.0, abs=1e-6)
    window.figures.tick()
    assert "Visible surface" in window.measure_panel._selection.text()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.presenter.pointing.selection is None
