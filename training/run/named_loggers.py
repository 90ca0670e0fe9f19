"""Loggers of other services by a name, beside TensorBoard's."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from rgbd_seg.errors import ConfigurationError

LoggerName = Literal["tensorboard", "wandb", "mlflow"]
_PROJECT = "rgbd-seg"


def named_logger(name: LoggerName, folder: Path) -> Any:
    """A logger of Lightning's, with its usual settings; the service's own environment variables change them.

    Args:
        name: "wandb" or "mlflow".
        folder: Where it may keep files.

    Raises:
        ConfigurationError: Its package is not installed.
    """
    if find_spec(name) is None:
        raise ConfigurationError(f"--logger {name} needs its package: pip install {name}")
    if name == "wandb":
        from lightning.pytorch.loggers import WandbLogger

        folder.mkdir(parents=True, exist_ok=True)
        return WandbLogger(project=_PROJECT, save_dir=folder)
    from lightning.pytorch.loggers import MLFlowLogger

    # MLflow itself refuses plain folders by now.
    folder.mkdir(parents=True, exist_ok=True)
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(folder / 'mlflow.db').absolute()}"
    return MLFlowLogger(experiment_name=_PROJECT, tracking_uri=uri)
