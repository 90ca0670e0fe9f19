"""What "auto" has chosen, as options that say it: another machine then does the same."""

from __future__ import annotations

from dataclasses import replace

from rgbd_seg.inference.available import backend_module, installed_backends
from rgbd_seg.inference.segmenter import SegmenterInfo, SegmenterOptions


def pinned(options: SegmenterOptions, info: SegmenterInfo) -> SegmenterOptions:
    """Options that name the back end, device and precision of a loaded model.

    Args:
        options: What the model was loaded with.
        info: Of the loaded model, on this machine.
    """
    for choice in installed_backends():
        if choice.problem:
            continue
        module = backend_module(choice.name)
        if module.NAME == info.backend:
            device = next((found.name for found in module.devices() if found.title == info.device), options.device)
            return replace(options, backend=choice.name, device=device, precision=info.precision)
    return options
