"""Dialogs for files and folders that do not stop the window: frames go on while one is open."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

RECORDINGS = "Recordings (*.mcap *.db3 *.bag *.oni *.mkv *.mat);;All files (*)"
MODELS = "Models (*.safetensors *.onnx);;All files (*)"
LABEL_SETS = "Label sets (*.json)"
LAYOUTS = "Layouts (*.json)"
SETTINGS = "Settings (*.json)"
TABLES = "Tables (*.csv)"
LABELS = "Labels (*.xml *.json *.zip *.png *.txt);;All files (*)"
PAGES = "Pages (*.html)"
CLOUDS = "Point clouds (*.ply)"


def choose(
    parent: QWidget,
    title: str,
    chosen: Callable[[str], None],
    *,
    files: str = "",
    save_as: Path | None = None,
    start: Path | None = None,
) -> QFileDialog:
    """Opens a dialog and returns at once.

    Args:
        parent: The window.
        title: What is being chosen.
        chosen: Called with the path if one was chosen.
        files: Qt's filters for an existing file; "" for a folder.
        save_as: A new file's proposed path; overwriting is asked about by the dialog.
        start: Folder to begin in.
    """
    dialog = QFileDialog(parent, title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    if save_as is not None:
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDirectory(str(save_as.parent))
        dialog.selectFile(save_as.name)
        dialog.setDefaultSuffix(save_as.suffix.lstrip("."))
    elif files:
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    else:
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
    if files:
        dialog.setNameFilter(files)
    if start is not None and os.path.isdir(start):
        dialog.setDirectory(str(start))
    dialog.fileSelected.connect(chosen)
    dialog.setModal(False)
    dialog.show()
    return dialog
