"""Faults of what is kept beside recordings (settings, labels, training runs), and of a client of the live server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from rgbd_seg.app.settings import SettingsFile
from rgbd_seg.errors import RecordingError
from rgbd_seg.labelling.data_set import DataSet, frame_name
from rgbd_seg.serving.server import LiveServer
from tests.reliability.disk_faults import noise_frame, small_disk
from tests.reliability.fault import Outcome, fault
from tests.serving.clients import Deaf, foxglove, next_message, publishing, subscribe
from tests.waiting import PATIENCE_S, program, until

if TYPE_CHECKING:
    from pathlib import Path

# Of the server with clients that do not read: on a busy machine the one that does needs some of it, too.
_PATIENT_S = 10.0
# Writes settings as fast as it can, and tells each that is whole.
_SAVE = """
import sys
from dataclasses import replace
from pathlib import Path
from rgbd_seg.app.settings import Settings, SettingsFile
file, settings = SettingsFile(Path(sys.argv[1])), Settings(views=1)
print(file.save(settings), flush=True)
for number in range(10**9):
    newer = replace(settings, record_folder=str(number))
    file.save_changes(newer, settings)
    settings = newer
    print(number, flush=True)
"""


@fault("kill -9 while settings are written")
def _settings(folder: Path) -> Outcome:
    path = folder / "settings.json"
    with program([sys.executable, "-c", _SAVE, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        told = [line for line in process.stdout.read().splitlines() if line]
        process.wait(PATIENCE_S)
    settings, problem = SettingsFile(path).load()
    assert not problem
    kept, last = int(settings.record_folder), int(told[-1]) if told else 18
    assert kept - last in (0, 1), f"{last} was told, {kept} is there"
    return Outcome("", last, last)


@fault("disk full while labels are painted")
def _labels(folder: Path) -> Outcome:
    frames = [noise_frame(index) for index in range(200)]
    strokes = np.random.default_rng(3).integers(0, 2, frames[0].depth.shape, np.uint8)
    with small_disk(folder, "size=1m") as disk:
        labels = DataSet(disk / "walk labels")
        kept = 0
        try:
            for kept, frame in enumerate(frames):
                labels.save(frame_name(kept), frame, strokes, "done")
        except RecordingError as error:
            seen = str(error)
        else:
            raise AssertionError("the disk is too large for this test")
        again = DataSet(disk / "walk labels")
        size = strokes.shape
        for name in again.names():
            assert np.array_equal(again.read(name, size), strokes), "a stroke before the full disk was lost"
        assert set(map(frame_name, range(kept))) <= set(again.names())
        begin = time.monotonic()
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)  # Somebody has made room.
        labels.save(frame_name(kept), frames[kept], strokes, "done")
        assert np.array_equal(DataSet(disk / "walk labels").read(frame_name(kept), size), strokes)
        recovered_s = time.monotonic() - begin
        partial = [path.name for path in disk.rglob("*.part")]
    assert not partial, f"half files are left: {partial}"
    return Outcome(seen, kept + 1, kept + 1, 0.0, recovered_s)


@fault("a client of the live server never reads")
def _deaf(folder: Path) -> Outcome:
    """It is dropped, and another client and whoever publishes do not notice."""
    with LiveServer(port=0, patience_s=_PATIENT_S) as server:
        deaf = Deaf(server)
        deaf.subscribe_to_all()
        with publishing(server, size=(480, 640)) as source, foxglove(server) as reader:
            subscribe(reader, {"/camera/calibration": 1})
            begin = time.monotonic()
            while server.clients == 2:
                next_message(reader)
            recovered_s = time.monotonic() - begin
            assert server.clients == 1
            next_message(reader)
        deaf.close()
    return Outcome("", source.published, source.published, 0.0, recovered_s)


@fault("kill -9 while a model is trained", in_suite=False)
def _training_killed(folder: Path) -> Outcome:
    """The run goes on from the last step that was kept."""
    import torch

    from tests.training.small_data import write_folder
    from tests.training.small_run import arguments, fit

    data = write_folder(folder / "data", 12)
    recent = folder / "run" / "one" / "checkpoints" / "recent.ckpt"
    often = "--recent.every_n_train_steps=1"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", "training", *arguments(data, folder, often, "--trainer.max_epochs=1000")]
    with program(command, **quiet) as process:
        until(lambda: recent.is_file() or process.poll() is not None, "the first checkpoint")
        time.sleep(time.time_ns() % 500_000_000 / 1e9)  # At another moment each time.
        process.send_signal(signal.SIGKILL)
    steps = int(torch.load(recent, weights_only=True)["global_step"])
    begin = time.monotonic()
    last = (f"--ckpt_path={recent}", f"--trainer.max_steps={steps + 1}", "--trainer.max_epochs=-1")
    fit(data, folder, often, *last)
    state = torch.load(recent.with_name("last.ckpt"), weights_only=True)
    assert state["global_step"] == steps + 1
    rows = [json.loads(line) for line in (recent.parent.parent / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["event"] == "end"
    return Outcome("", steps + 1, steps + 1, 0.0, time.monotonic() - begin)
