"""A running server for a test, which leaves nothing behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.serving.server import LiveServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[LiveServer]:
    before = set(threading.enumerate())
    with LiveServer(port=0, patience_s=4.0) as server:
        yield server
    assert {thread for thread in threading.enumerate() if thread.name == "rgbd-seg live server"} <= before
