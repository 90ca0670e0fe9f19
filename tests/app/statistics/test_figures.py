"""Figures about what is on screen, in the panels that show them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtGui import QTextDocumentFragment

from tests.app.conftest import make_segmentation

if TYPE_CHECKING:
    from rgbd_seg.app.window import MainWindow


def test_a_standing_picture_counts_once_however_often_it_is_looked_at(window: MainWindow) -> None:
    one = make_segmentation(truth=True)
    assert one.frame.truth is not None
    for labels in (one.labels, one.frame.truth.labels):
        window.presenter.show(replace(one, labels=labels))
    assert (window.presenter.scores.frames, window.presenter.scores.mean_iou) == (1, 1.0)


def test_a_renamed_class_has_its_new_name_in_plots_and_measurements(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rgbd_seg.app.statistics.figures.MEASURE_EVERY_S", 0.0)
    one = make_segmentation()
    own = [one.label_set.name_of(label) for label in (2, 1)]
    window.docks["Plots"].show()
    window.docks["Measurements"].show()
    window.docks["Measurements"].raise_()
    window.plots_panel.choice.setCurrentText("Share of classes")
    window.presenter.show(one)
    for names in ({}, {own[0]: "settee"}, {}):
        window.presenter.change(names=names)
        window.presenter.tick()
        window.figures.tick()
        expected = [names.get(name, name) for name in own]
        legend = QTextDocumentFragment.fromHtml(window.plots_panel.legend.text()).toPlainText()
        assert [name.strip() for name in legend.split("■")[1:]] == expected
        table = window.measure_panel.table
        assert {table.item(row, 0).text() for row in range(table.rowCount())} == set(expected)


def test_a_recoloured_class_is_drawn_in_its_new_colour_in_plots(window: MainWindow) -> None:
    one = make_segmentation()
    window.docks["Plots"].show()
    window.plots_panel.choice.setCurrentText("Share of classes")
    window.presenter.show(one)
    name = one.label_set.name_of(1)
    seen = []
    for rgb in ((1, 2, 3), (200, 10, 90)):
        window.presenter.color(name, rgb)
        window.presenter.tick()
        window.figures.tick()
        curve = window.plots_panel._curves[name]
        seen.append(curve.opts["pen"].color().getRgb()[:3])
        assert curve.opts["pen"].color().name() in window.plots_panel.legend.text()
        part = sum(row.share for row in window.presenter.rows if row.name == name)
        assert curve.yData[-1] == pytest.approx(100 * part)
    assert seen == [(1, 2, 3), (200, 10, 90)]
    window.presenter.toggle_hidden(name)
    window.figures.tick()
    assert name not in window.plots_panel._curves  # The list of classes chooses here as well.
