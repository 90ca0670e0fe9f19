"""A running server for a test, which leaves nothing behind."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.serving.server import LiveServer
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator


# Long enough for a client that reads on a machine that hardly runs it, and what the tests with one that does not wait.
IMPATIENCE_S = 8.0


@pytest.fixture
def server() -> Iterator[LiveServer]:
    """Waits for its clients as long as a test does."""
    with _running(PATIENCE_S) as server:
        yield server


@pytest.fixture
def impatient() -> Iterator[LiveServer]:
    """Drops clients that do not read."""
    with _running(IMPATIENCE_S) as server:
        yield server


@contextmanager
def _running(patience_s: float) -> Iterator[LiveServer]:
    before = set(threading.enumerate())
    with LiveServer(port=0, patience_s=patience_s) as server:
        yield server
    assert {thread for thread in threading.enumerate() if thread.name == "rgbd-seg live server"} <= before
