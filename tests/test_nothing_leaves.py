"""Nothing leaves the machine: the system calls of the program itself are watched, native libraries included."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

ROOM = "synthetic:?size=160x120&noise=0&fps=15"
_FOREIGN = re.compile(r"sa_family=AF_INET6?.*?(?:inet_addr\(\"|inet_pton\(AF_INET6, \")([0-9a-f.:]+)\"")


def strangers(trace: str) -> list[str]:
    """Lines of a trace that address another machine; an unconnected UDP socket to port 0 sends nothing."""
    lines = []
    for line in trace.splitlines():
        found = _FOREIGN.search(line)
        if found and not (found[1].startswith("127.") or found[1] in ("::1", "0.0.0.0", "::")):
            lines.append(line)
    return lines


def run_watched(arguments: list[str], trace: Path) -> subprocess.CompletedProcess[str]:
    """Runs Python under strace with every connection and datagram written down."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    watch = ["strace", "--seccomp-bpf", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(trace)]
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [*watch, sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env=environment,
    )


def test_the_watch_sees_a_connection(tmp_path: Path) -> None:
    code = (
        "import socket; s = socket.socket(); s.settimeout(0.2)\ntry: s.connect(('192.0.2.1', 9))\nexcept OSError: pass"
    )
    run_watched(["-c", code], tmp_path / "trace")
    assert strangers((tmp_path / "trace").read_text())


@pytest.mark.parametrize(
    "arguments",
    [
        ["-m", "rgbd_seg", "demo", "--headless", "--seconds", "1", "-o", "out", "--source", ROOM],
        ["-m", "rgbd_seg", "devices"],
        ["-m", "rgbd_seg", "doctor"],
        [
            "-c",
            "from rgbd_seg.inference.openvino.runtime import core; core(); import onnxruntime, training.data.augment;"
            "from importlib.util import find_spec; find_spec('ray') and __import__('ray')",
        ],
    ],
    ids=["demo", "devices", "doctor", "imports"],
)
def test_no_connection_is_tried(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    monkeypatch.chdir(tmp_path)
    done = run_watched(arguments, tmp_path / "trace")
    assert "Traceback" not in done.stderr
    assert not strangers((tmp_path / "trace").read_text())


def test_the_demo_runs_with_the_network_taken_away(tmp_path: Path) -> None:
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("network namespaces are not permitted here")
    demo = [sys.executable, "-m", "rgbd_seg", "demo", "--headless", "--seconds", "1", "--source", ROOM]
    done = subprocess.run(
        [*alone, *demo, "-o", str(tmp_path)], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"demo.png", "demo.mp4"}
