"""Garbage with Qt objects in it is freed by the window's thread, whichever thread makes more of it."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from rgbd_seg.app.collecting import WindowCollector
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot


@pytest.fixture
def collector(qapp: QApplication) -> Iterator[WindowCollector]:
    collector = WindowCollector(qapp)
    yield collector
    collector.stop()
    gc.disable()  # As the other tests of the window have it.


def make_garbage(freed_by: list[int]) -> None:
    """A Qt object in a cycle of references."""
    item = QObject()
    item.itself = item  # type: ignore[attr-defined]
    weakref.finalize(item, lambda: freed_by.append(threading.get_ident()))


@pytest.mark.usefixtures("collector")
def test_garbage_is_freed_by_the_windows_thread_while_another_allocates(qtbot: QtBot) -> None:
    freed_by: list[int] = []
    done = threading.Event()

    def allocate() -> None:
        make_garbage(freed_by)
        while not done.wait(0.001):
            cycles: list[list[object]] = [[] for _ in range(1000)]
            for cycle in cycles:
                cycle.append(cycle)

    other = threading.Thread(target=allocate)
    other.start()
    try:
        qtbot.waitUntil(lambda: bool(freed_by), timeout=PATIENCE_S * 1000)
    finally:
        done.set()
        other.join()

    assert freed_by == [threading.get_ident()]


def test_collection_is_given_back(collector: WindowCollector) -> None:
    assert not gc.isenabled()

    collector.stop()

    assert gc.isenabled()
