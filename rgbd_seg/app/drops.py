"""What may be dropped on the window: models are loaded, label sets adopted, everything else is opened as a source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PySide6.QtGui import QDragEnterEvent, QDropEvent

    from rgbd_seg.app.classes.label_set_controller import LabelSetController
    from rgbd_seg.app.context import Context
    from rgbd_seg.app.model.controller import ModelController
    from rgbd_seg.app.source.controller import SourceController

Kind = Literal["model", "labels", "source", "unknown", "nothing"]
_RECORDINGS = frozenset({".mcap", ".db3", ".bag", ".oni", ".mkv", ".mat"})  # All others are folders.


def kind_of(path: Path) -> Kind:
    """What a dropped path is taken for; only its name and whether it exists are looked at."""
    if not os.path.exists(path):  # False, and no error, also where the system refuses the name.
        return "nothing"
    if path.suffix.lower() in (".safetensors", ".onnx"):
        return "model"
    if path.suffix.lower() == ".json":
        return "labels"
    return "source" if path.is_dir() or path.suffix.lower() in _RECORDINGS else "unknown"


class DropTarget:
    """Handles drags over the window."""

    def __init__(
        self, context: Context, models: ModelController, sources: SourceController, label_sets: LabelSetController
    ) -> None:
        self._context, self._models, self._sources, self._label_sets = context, models, sources, label_sets

    def enter(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def drop(self, event: QDropEvent) -> None:
        """Opens the first file of each kind."""
        event.acceptProposedAction()
        for url in event.mimeData().urls()[:4]:
            if url.isLocalFile():
                self.open(Path(url.toLocalFile()))

    def open(self, path: Path) -> None:
        """Opens one path as what it is."""
        kind = kind_of(path)
        if kind == "model":
            self._models.load(str(path))
        elif kind == "labels":
            self._label_sets.load(str(path))
        elif kind == "source":
            self._sources.open(str(path))
        elif kind == "unknown":  # It would only push the open source aside.
            self._context.say(
                "sources", f"“{path.name}” is no recording, model or label set. Drop a .mcap file, a folder or a model."
            )
        else:
            self._context.say("sources", f"{path} is not there any more.")
