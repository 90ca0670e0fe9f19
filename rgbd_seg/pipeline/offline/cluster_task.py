"""What a worker of a cluster does with one recording: exactly what one machine does alone, and a seal on the results.

A task writes into a folder of its own beside its goal, seals it and only then gives it the goal's name. Whatever is
interrupted leaves either a finished folder or nothing that counts.
"""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from rgbd_seg.errors import ConfigurationError, ModelError
from rgbd_seg.inference import open_segmenter
from rgbd_seg.inference.cache import file_digest
from rgbd_seg.inference.foreign.card import card_path
from rgbd_seg.inference.segmenter import SegmenterInfo, SegmenterOptions
from rgbd_seg.pipeline.offline.seal import SEAL_FILE, look_for_seal, write_seal
from rgbd_seg.pipeline.offline.segment_source import SegmentOptions, SegmentResult, read_result, segment_source
from rgbd_seg.sensors import open_sensor, parse_uri
from rgbd_seg.version import __version__

_PARTIAL = ".part"
_REFUSALS = {
    "damaged": "the results in {} were changed or damaged since they were finished",
    "other": "the folder {} holds results of another model, recording or setting",
    "unsealed": "the folder {} is not empty and no finished result of --cluster",
}


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """What decides how a model computes, besides the device: it must be the same on all machines."""

    backend: str
    precision: str
    size: tuple[int, int]

    @classmethod
    def of(cls, info: SegmenterInfo) -> Self:
        """That of a loaded model."""
        return cls(info.backend, info.precision, info.size)

    def __str__(self) -> str:
        return f"{self.backend} in {self.precision} at {self.size[1]}x{self.size[0]}"


@dataclass(frozen=True, slots=True)
class Task:
    """One recording, and everything that decides its results.

    Attributes:
        source: The recording, as an absolute path (with its options).
        output: The folder for the results.
        model: The model file.
        model_digest: Of the file that whoever gives the work out has seen.
        segmenter_options: With nothing left to "auto".
        arithmetic: What the model must run in.
        options: What is written.
        version: Of the program that gives the work out.
    """

    source: str
    output: Path
    model: Path
    model_digest: str
    segmenter_options: SegmenterOptions
    arithmetic: Arithmetic
    options: SegmentOptions
    version: str = __version__

    def request(self) -> dict[str, Any]:
        """What decides the results, as plain data: two tasks with the same give the same files."""
        written, run = asdict(self.options), asdict(self.segmenter_options)
        written.pop("overwrite")
        run.pop("threads")
        return {
            "version": self.version,
            "source": self.source,
            "source_state": _state_of(self.source),
            "model_sha256": self.model_digest,
            "arithmetic": str(self.arithmetic),
            "run": run,
            "written": written,
        }


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What a task has done; `earlier` if an earlier run had finished it already."""

    result: SegmentResult
    earlier: bool


def segment_recording(task: Task) -> TaskResult:
    """Segments one recording, or finds that this was done.

    Raises:
        ConfigurationError: The folder holds something else, or this machine has another program or model.
        ModelError: The model fails, or cannot run here as it does elsewhere.
        RecordingError: Nothing could be read, or nothing can be written.
        SensorError: The recording cannot be opened.
    """
    _refuse_another_program(task)
    request = task.request()
    found = look_for_seal(task.output, request)
    if found == "finished":
        return TaskResult(read_result(task.output), earlier=True)
    if found != "nothing" and not task.options.overwrite:
        raise ConfigurationError(f"{_REFUSALS[found].format(task.output)}: name another folder, or say --overwrite")
    for left in task.output.parent.glob(f".{task.output.name}.*{_PARTIAL}"):  # Of workers that died.
        shutil.rmtree(left, ignore_errors=True)
    partial = task.output.with_name(f".{task.output.name}.{platform.node()}-{os.getpid()}{_PARTIAL}")
    with open_segmenter(task.model, task.segmenter_options) as segmenter:
        result = segment_source(open_sensor(task.source), segmenter, partial, task.options)
        here = Arithmetic.of(segmenter.info)
    if here != task.arithmetic:
        raise ModelError(
            f"{platform.node()} ran the model with {here}, and not with {task.arithmetic} as was decided for all: name "
            "a --backend, --device and --precision that every machine of the cluster has"
        )
    write_seal(partial, request)
    _move_into_place(partial, task.output)
    return TaskResult(replace(result, output=task.output), earlier=False)


def model_digest(model: Path) -> str:
    """Names the contents of a model file, and of the card beside one that needs it.

    Raises:
        ModelError: It cannot be read.
    """
    card = card_path(model)
    try:
        return file_digest(model) + (file_digest(card) if model.suffix.lower() == ".onnx" else "")
    except OSError as error:
        raise ModelError(f"cannot read the model {model} on {platform.node()}: {error.strerror or error}") from None


def _refuse_another_program(task: Task) -> None:
    if task.version != __version__:
        raise ConfigurationError(
            f"{platform.node()} has rgbd-seg {__version__}, and the work was given out by {task.version}: install the "
            "same version on all machines"
        )
    if model_digest(task.model) != task.model_digest:
        raise ConfigurationError(f"the model {task.model} is another file on {platform.node()}: share one file system")


def _state_of(source: str) -> list[int]:
    """Number of files, bytes and newest time of change (ns) of a recording: what tells that it is another by now."""
    uri = parse_uri(source)
    path = Path(uri.rest if uri.scheme == "file" else unquote(uri.rest.removeprefix("file:")))
    files = [path] if path.is_file() else [found for found in path.rglob("*") if found.is_file()]
    states = [file.stat() for file in files]
    newest_ns = max((state.st_mtime_ns for state in states), default=0)
    return [len(states), sum(state.st_size for state in states), newest_ns]


def _move_into_place(partial: Path, goal: Path) -> None:
    """Gives results their name. In a folder that may be overwritten, other people's files stay; the seal comes last."""
    if goal.is_dir() and not any(goal.iterdir()):
        goal.rmdir()
    if not goal.exists():
        partial.rename(goal)
        return
    (goal / SEAL_FILE).unlink(missing_ok=True)
    for new in sorted(partial.iterdir(), key=lambda path: path.name == SEAL_FILE):
        old = goal / new.name
        if old.is_dir():
            shutil.rmtree(old)
        new.replace(old)
    partial.rmdir()
