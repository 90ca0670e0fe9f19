"""The process that `conversion.convert_apart` starts; it ends with the one that has started it."""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from pathlib import Path

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.inference.openvino.compilation import compilations
from rgbd_seg.inference.openvino.conversion import REFUSED, Conversion
from rgbd_seg.inference.openvino.model import OpenVinoModel
from rgbd_seg.inference.openvino.runtime import find_device


def _convert(wanted: Conversion) -> None:
    model = OpenVinoModel(Path(wanted.model), wanted.size, wanted.precision)
    device = find_device(wanted.device)
    parts = model.parts(wanted.frame_size)
    contents = model.contents(wanted.frame_size)
    for compilation in compilations(parts, contents, device, wanted.precision, wanted.threads).values():
        if compilation.from_cache() is None:
            compilation.compile()


def _end_with_parent() -> None:
    """Ends this process when the other end of its standard input is closed, however that came about."""
    os.read(sys.stdin.fileno(), 1)  # Not through Python's buffer, whose lock would be in the way at a normal end.
    os._exit(1)


def main(text: str) -> int:
    gc.disable()  # It would take an eighth of the time, and what is left goes with the process.
    data = json.loads(text)
    sizes = {name: tuple(data[name]) for name in ("size", "frame_size")}
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _convert(Conversion(**{**data, **sizes}))
    except RgbdSegError as error:
        sys.stdout.write(str(error))
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
