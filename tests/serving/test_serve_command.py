"""`rgbd-seg serve` as a process: what it prints, serves and records, how it stops, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest
from websockets.sync.client import connect

from rgbd_seg.cli import main
from rgbd_seg.recording import open_recording
from tests.reliability.model_faults import write_model
from tests.serving.clients import PAGE, wait_until
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOM = "synthetic:?size=160x120&noise=0&fps=15"


class Served:
    """The running command."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "rgbd_seg", "serve", *arguments, "--port", "0", "-o", str(folder / "walks")]
        command += ["--patience", str(PATIENCE_S)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        self.page = self.process.stdout.readline().split()[-1]
        self.address = self.process.stdout.readline().split()[-1]

    def ask(self, path: str, method: str = "GET") -> bytes:
        base, token = self.page.split("/?token=")
        request = Request(base + path, method=method, headers={"Authorization": f"Bearer {token}"})
        with urlopen(request, timeout=PATIENCE_S) as answer:
            return bytes(answer.read())

    def metric(self, name: str) -> float:
        found = re.search(rf"^{name} (\S+)$", self.ask("/metrics").decode(), re.MULTILINE)
        return float(found[1]) if found else 0.0

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, output


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path, ROOM, "--model", "none")
    yield served
    served.process.kill()
    served.process.communicate()


@pytest.fixture
def with_model(tmp_path: Path) -> Iterator[Served]:
    write_model(tmp_path / "tiny.safetensors")
    served = Served(tmp_path, ROOM, "--model", str(tmp_path / "tiny.safetensors"), "--backend", "torch")
    yield served
    served.process.kill()
    served.process.communicate()


def test_it_shows_counts_and_records_and_stops_cleanly(with_model: Served, tmp_path: Path) -> None:
    served = with_model
    wait_until(lambda: served.metric("rgbd_seg_frames_segmented_total") > 0)
    assert served.ask("/overlay.jpg").startswith(b"\xff\xd8")
    wait_until(lambda: served.metric("rgbd_seg_source_up") == 1)
    served.ask("/record?on=1", "POST")
    wait_until(lambda: served.metric("rgbd_seg_recording_frames") > 3)
    base, token = served.page.removeprefix("http").split("/?token=")
    with connect(f"ws{base}/?token={token}", subprotocols=PAGE, max_size=None) as page:  # type: ignore[arg-type]
        hello = json.loads(page.recv(PATIENCE_S))
        assert hello["name"].startswith("Synthetic")
        assert hello["records"]
        page.send(json.dumps({"op": "look", "pictures": ["overlay", "depth"], "pixel": [80, 100]}))
        header, figures = _frame_and_figures(page)
        assert [name for name, _ in header["pictures"]] == ["overlay", "depth"]
        assert header["pixel"]["class"] in ("a", "b")
        assert 0.3 < header["pixel"]["depth_m"] < 10
        assert figures["recording"]["file"].endswith(".mcap")
        assert {one["name"] for one in figures["classes"]} <= {"a", "b"}
        page.send(json.dumps({"op": "record", "on": False}))
        wait_until(lambda: served.metric("rgbd_seg_recording") == 0)
        served.ask("/record?on=1", "POST")
        wait_until(lambda: served.metric("rgbd_seg_recording") == 1)
    code, output = served.stop()  # In the middle of the second recording.
    assert code == 128 + signal.SIGTERM
    assert "running" in output
    assert "Traceback" not in output
    recordings = sorted((tmp_path / "walks").glob("*.mcap"))
    assert len(recordings) == 2
    for path in recordings:
        with open_recording(path) as recording:
            assert len(recording) > 0
            assert not recording.info.warnings


def _frame_and_figures(page: object) -> tuple[dict[str, object], dict[str, object]]:
    header: dict[str, object] = {}
    figures: dict[str, object] = {}
    while "class" not in header.get("pixel", {}) or "pictures" not in header or not figures.get("recording"):  # type: ignore[operator]
        message = page.recv(PATIENCE_S)  # type: ignore[attr-defined]
        if isinstance(message, str):
            figures = json.loads(message)
            continue
        (length,) = struct.unpack_from("<I", message)
        header = json.loads(message[4 : 4 + length])
        sizes = [size for _, size in header.get("pictures", [])]  # type: ignore[attr-defined]
        assert 4 + length + sum(sizes) == len(message)
        page.send(json.dumps({"op": "shown", "number": header["number"]}))  # type: ignore[attr-defined]
    return header, figures


def test_ctrl_c_ends_it_without_a_traceback(served: Served) -> None:
    code, output = served.stop(signal.SIGINT)
    assert code == 130
    assert "Traceback" not in output


def test_the_token_file_keeps_the_address(tmp_path: Path) -> None:
    pages = []
    for _ in range(2):
        served = Served(tmp_path, ROOM, "--model", "none", "--token-file", str(tmp_path / "token"))
        pages.append(served.page.split("token=")[1])
        served.stop()
    assert pages[0] == pages[1] == (tmp_path / "token").read_text().strip()
    assert os.stat(tmp_path / "token").st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("source", "words"), [("/no/such/file.mcap", "no file or folder"), ("synthetic:?a=1", "'a'")])
def test_a_source_that_cannot_be_opened_ends_it_while_the_model_is_being_loaded(
    source: str, words: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "rgbd_seg", "serve", "--port", "0", source]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=tmp_path)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        ([ROOM, "--model", "no-such-model"], "no model file", 2),
        ([ROOM, "--backend", "nothing"], "--backend", 2),
        ([ROOM, "--key", "key.pem"], "--certificate", 2),
        ([ROOM, "--mode", "wide"], "640x480@30", 2),
        ([ROOM, "--allow-origin", "lab"], "an origin looks like", 2),
        ([ROOM, "--port", "99999"], "0..65535", 2),
        ([ROOM, "--token-file", "/no/such/folder/token"], "token file", 2),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_served_is_said(
    arguments: list[str],
    words: str,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--port", "0", *arguments]) == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
