"""A model is made ready for the frames that it will see, not first for those of most cameras."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.app.conftest import HEIGHT, WIDTH

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from rgbd_seg.app.main_window import MainWindow
    from tests.app.conftest import Models


@pytest.mark.parametrize(("source", "size"), [("steady:one", (HEIGHT, WIDTH)), ("steady:broken", None), ("", None)])
def test_the_size_of_the_frames_is_known_when_a_model_is_opened(
    window: MainWindow, models: Models, qtbot: QtBot, tmp_path: Path, source: str, size: tuple[int, int] | None
) -> None:
    if source:
        window.sources.open(source)
    window.models.load(str(tmp_path / "one.safetensors"))
    qtbot.waitUntil(lambda: bool(models.opened), timeout=5000)
    assert models.frame_sizes == [size]
