"""A real Ray cluster with two workers: the same results as one machine, also where a worker is killed in mid-recording.

Run by hand with `-m slow`: starting Ray takes most of a minute on two cores.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.cli import main
from rgbd_seg.pipeline.offline.seal import SEAL_FILE
from tests.pipeline.tiny_model import write_tiny_model
from tests.recording.picture_trees import write_pairs, write_sunrgbd_frame
from tests.waiting import PATIENCE_S, program

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAMES = 25
_BACKEND = ("--backend", "torch", "--device", "cpu", "--precision", "float32")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a cluster with two workers, which asks for a token."""
    if find_spec("ray") is None:  # Not imported yet: it reads the settings below when it is.
        pytest.skip("Ray is not installed: pip install -e '.[cluster]'")
    # Ports of our own: Ray waits for agents that choose theirs for 15 s only, too short for a busy machine.
    port, *agents = _free_ports(5)
    address = f"127.0.0.1:{port}"
    settings = {
        "PYTHONPATH": str(Path.cwd()),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_agent_register_timeout_ms": "200000",  # Busy machines need it.
        "RAY_raylet_start_wait_time_s": "200",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    names = (
        "metrics-export-port",
        "dashboard-agent-listen-port",
        "dashboard-agent-grpc-port",
        "runtime-env-agent-port",
    )
    fixed = [f"--{name}={agent}" for name, agent in zip(names, agents, strict=True)]
    options = ["--head", "--block", "--num-cpus=2", "--include-dashboard=false", "--object-store-memory=100000000"]
    start = [sys.executable, "-m", "ray.scripts.scripts", "start", *options, f"--port={port}", *fixed]
    with program(start, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as ray:
        assert ray.stdout is not None
        said = []
        for line in ray.stdout:
            said.append(line)
            if "--block" in line:  # The last that it says once everything runs.
                break
        else:
            pytest.fail("Ray did not start:\n" + "".join(said))
        yield address
        ray.send_signal(signal.SIGTERM)
        ray.wait(PATIENCE_S)


class Killer(threading.Thread):
    """Kills the first worker that is seen in the middle of a recording."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder = folder
        self.killed: Path | None = None
        self.over = threading.Event()

    def run(self) -> None:
        while self.killed is None and not self.over.is_set():
            for picture in self._folder.glob(".*.part/labels/*.png"):
                partial = picture.parent.parent
                pid = int(partial.stem.rsplit("-", 1)[1])
                os.kill(pid, signal.SIGSTOP)
                if 0 < len(list(picture.parent.glob("*.png"))) < FRAMES:
                    self.killed = partial
                os.kill(pid, signal.SIGKILL if self.killed else signal.SIGCONT)
                break
            time.sleep(0.005)


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != SEAL_FILE)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("default")  # Ray's own.
def test_a_killed_worker_a_restart_and_the_same_files_as_one_machine(
    cluster: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        write_pairs(tmp_path / name, FRAMES)
    for frame in range(FRAMES):
        write_sunrgbd_frame(tmp_path / "c" / str(frame), frame)
    model = write_tiny_model(tmp_path / "tiny.safetensors")
    command = ["segment", *(str(tmp_path / name) for name in "abc"), "--model", str(model), *_BACKEND]
    out, alone = tmp_path / "out", tmp_path / "alone"

    killer = Killer(out)
    killer.start()
    assert main([*command, "-o", str(out), "--cluster", cluster]) == 0, capsys.readouterr().err
    killer.over.set()
    killer.join()
    assert killer.killed is not None
    assert main([*command, "-o", str(alone)]) == 0
    assert _files(out) == _files(alone)

    first, *others = sorted(folder for folder in out.iterdir() if folder.is_dir())
    (first / "labels" / "000003.png").unlink()
    (others[0] / "labels" / "000003.png").write_bytes(b"")
    shutil.rmtree(others[1])
    capsys.readouterr()
    assert main([*command, "-o", str(out), "--cluster", cluster]) == 1
    said = capsys.readouterr()
    assert said.err.count("changed or damaged") == 2
    assert "1 of 3 sources: mean IoU" in said.out
    assert main([*command, "-o", str(out), "--cluster", cluster, "--overwrite"]) == 0
    assert capsys.readouterr().err.count("finished by an earlier run") == 1
    assert _files(out) == _files(alone)
