"""Labelled pictures, from what is on disk to the batches of a step."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "FolderData":  # As the config.yaml files of earlier runs name it.
        from training.data.folder import FolderData

        return FolderData
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
