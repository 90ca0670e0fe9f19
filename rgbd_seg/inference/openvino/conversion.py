"""Converts and compiles a model file in a process of its own, which leaves the results in the cache.

PyTorch's exporter holds Python's lock for up to half a second at a time and leaves some hundred megabytes behind: a
window in the same process would stand still, and stay large. `conversion_process.py` is the other.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass

from rgbd_seg.errors import ModelError

_log = logging.getLogger(__name__)
_PROGRAM = "rgbd_seg.inference.openvino.conversion_process"
REFUSED = 3  # The exit code for an error that was foreseen; its sentence is the output.


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is to be converted.

    Attributes:
        model: Path of the model file.
        size: Height and width at which the network runs.
        precision: Its arithmetic.
        frame_size: Height and width of the camera's frames.
        device: OpenVINO's name of the device.
        threads: CPU threads when it runs later; None for the usual.
    """

    model: str
    size: tuple[int, int]
    precision: str
    frame_size: tuple[int, int]
    device: str
    threads: int | None


def convert_apart(wanted: Conversion) -> None:
    """Waits until another process has filled the cache.

    A process that fails for another reason than the model only leaves a line in the log: whoever finds nothing in the
    cache then makes it himself, and meets the same error in full.

    Raises:
        ModelError: The model file cannot be used.
    """
    command = [sys.executable, "-m", _PROGRAM, json.dumps(asdict(wanted))]
    try:
        with (
            tempfile.TemporaryFile() as errors,
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as process,
        ):
            assert process.stdout is not None
            said = process.stdout.read().decode(errors="replace")
            process.wait()  # Its standard input stays open until then: it ends with it.
            errors.seek(0)
            complaint = errors.read().decode(errors="replace")
    except OSError as error:
        _log.warning("no process for converting %s: %s", wanted.model, error)
        return
    if process.returncode == REFUSED:
        raise ModelError(said.strip())
    if process.returncode:
        _log.warning("converting %s apart ended with %d: %s", wanted.model, process.returncode, complaint[-2000:])
