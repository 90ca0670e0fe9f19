"""What a soak does beside the window: a second source that is served and recorded, and clients that come and go."""

from __future__ import annotations

import http.client
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from tests.reliability.process_faults import chunks
from tests.waiting import PATIENCE_S, program, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

_PORT = 18765


class Company:
    """`rgbd-seg serve` with a recording of its own."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, token: str) -> None:
        self.process, self._folder, self._token = process, folder, token
        self._visits = 0

    def visit(self) -> None:
        """Clients in every mood: one that reads a picture, one that breaks off a stream, one with a wrong token."""
        self._visits += 1
        assert self._get(f"/overlay.jpg?token={self._token}").startswith(b"\xff\xd8"), "no picture was served"
        self._get(f"/overlay.mjpg?token={self._token}", most=50_000)
        self._get("/metrics?token=wrong")

    def _get(self, path: str, most: int = 10_000_000) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=PATIENCE_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().read(most)
        finally:
            connection.close()

    def resources(self) -> dict[str, float]:
        """As `WindowProcess.resources`, under names of its own."""
        family = [psutil.Process(self.process.pid)]
        family += family[0].children(recursive=True)
        return {
            "served_memory_mb": sum(p.memory_info().rss for p in family) / 1e6,
            "served_threads": sum(p.num_threads() for p in family),
            "served_open_files": sum(p.num_fds() for p in family),
        }

    @property
    def recording(self) -> Path:
        """The file that it writes."""
        return next(self._folder.glob("*.mcap"))


@contextmanager
def company(folder: Path, source: str) -> Iterator[Company]:
    """A served source that records; it is gone afterwards."""
    kept, token = folder / "served", folder / "token"
    kept.mkdir()
    token.write_text("a-token-for-the-soak-of-some-length")
    token.chmod(0o600)
    command = [sys.executable, "-m", "rgbd_seg", "serve", source, "--model", "none", "--record", "-o", str(kept)]
    command += ["--port", str(_PORT), "--token-file", str(token)]
    with (folder / "served.txt").open("w") as out, program(command, stdout=out, stderr=out) as process:
        one = Company(process, kept, token.read_text())
        until(
            lambda: process.poll() is not None or any(chunks(path) for path in kept.glob("*.mcap")),
            "the recording of the served source",
        )
        assert process.poll() is None, (folder / "served.txt").read_text()
        yield one
        process.terminate()
        process.wait(PATIENCE_S)
