"""`python -m training fit`: Lightning's command line over our module and data modules."""

from __future__ import annotations

import argparse
import logging
import re
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jsonargparse import DefaultHelpFormatter
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from rgbd_seg.errors import ConfigurationError, RgbdSegError
from rgbd_seg.training_files import CHECKPOINTS, CONFIG_FILE, LAST, RECENT
from training.data.data_module import RgbdData
from training.network.module import SegmentationModule
from training.run.callbacks import Pictures, RunRecord, StopOnNaN
from training.run.early_checks import LIGHTNING_COMMANDS
from training.run.ending import how_it_ended
from training.run.metrics_file import MetricsFile
from training.run.named_loggers import LoggerName, named_logger
from training.run.recent_checkpoint import RecentCheckpoint
from training.run.tuning import Wanted, find_settings


class _Help(DefaultHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Help that keeps the lines of the examples."""


class TrainingCLI(LightningCLI):
    """Links what the data know to the network, and gives every run its checkpoints and logs."""

    @staticmethod
    def only(command: str) -> type[TrainingCLI]:
        """This command line with one of its commands: drawing up the settings of all of them takes a second."""
        skipped = LightningCLI.subcommands()[command]
        return type("TrainingCLI", (TrainingCLI,), {"subcommands": staticmethod(lambda: {command: skipped})})

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Adds checkpoints and pictures as settings of their own, so that a recipe can change single values."""
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.add_lightning_class_args(ModelCheckpoint, "last")
        parser.add_lightning_class_args(RecentCheckpoint, "recent")
        parser.add_lightning_class_args(Pictures, "pictures")
        parser.add_argument(
            "--logger",
            type=LoggerName,
            default="tensorboard",
            help="a service that is told of the run beside TensorBoard's files",
        )
        parser.add_argument(
            "--find",
            type=Wanted,
            default="nothing",
            help="what Lightning's tuner is to find before the run",
        )
        parser.set_defaults(
            {
                "checkpoint.monitor": "val/miou",
                "checkpoint.mode": "max",
                "checkpoint.filename": "best-{epoch}-{val/miou:.4f}",
                "checkpoint.auto_insert_metric_name": False,
                # Not Lightning's save_last: that writes only where the best is written, too.
                "last.filename": LAST,
                "last.every_n_epochs": 1,
                "last.save_on_train_epoch_end": True,
                "last.enable_version_counter": False,
                "recent.filename": RECENT,
                "recent.every_n_train_steps": 200,
                "recent.enable_version_counter": False,
            }
        )
        parser.link_arguments("data", "model.label_set", _label_set, apply_on="instantiate")
        parser.link_arguments("data", "model.size", _size, apply_on="instantiate")
        parser.link_arguments("data", "model.depth", _depth_statistics, apply_on="instantiate")

    def instantiate_trainer(self, **kwargs: Any) -> Any:
        """Makes the trainer; a run that goes on does so in its own directory."""
        run = self._run_that_goes_on()
        if run is not None:
            kwargs["logger"] = TensorBoardLogger(run, name="", version="")
        name = self._get(self.config, "logger")
        if self.subcommand == "fit" and name != "tensorboard":
            board = kwargs.get("logger", self._get(self.config_init, "trainer")["logger"])
            folder = Path(board.root_dir) if isinstance(board, TensorBoardLogger) else Path("runs")
            kwargs["logger"] = [*([board] if isinstance(board, Logger) else board or []), named_logger(name, folder)]
        return super().instantiate_trainer(**kwargs)

    def _run_that_goes_on(self) -> Path | None:
        """The directory of the run whose checkpoint is given, where the logs would go to a new directory instead."""
        checkpoint = Path(self._get(self.config, "ckpt_path") or "")
        logger = (self._get(self.config, "trainer") or {}).get("logger")
        path = str(logger.get("class_path", "")) if logger else ""
        own = path.endswith("TensorBoardLogger") and logger is not None and logger.init_args.get("version") is None
        run = checkpoint.absolute().parent.parent
        goes_on = self.subcommand == "fit" and own and checkpoint.parent.name == CHECKPOINTS
        return run if goes_on and (run / CONFIG_FILE).is_file() else None

    def before_fit(self) -> None:
        """Finds what is to be found, and makes it settings of the run."""
        wanted, config = self._get(self.config, "find"), self.config["fit"]
        if wanted == "nothing" or config.get("ckpt_path"):
            return
        found = find_settings(self.trainer, self.model, self.datamodule, wanted)
        if "batch_size" in found:
            config["data"]["init_args"]["batch_size"] = found["batch_size"]
        if "learning_rate" in found:
            config["model"]["optimizer"]["learning_rate"] = found["learning_rate"]
        config["find"] = "nothing"  # Whoever goes on, or trains by these settings again, has them.
        if self.trainer.is_global_zero:
            sys.stdout.write(f"found {', '.join(f'{name} {value:.4g}' for name, value in found.items())}\n")

    def after_fit(self) -> None:
        """Says how the run went."""
        sys.stdout.write(how_it_ended(self.trainer))

    def _parse_ckpt_path(self) -> None:
        # Lightning would look for the settings of the network in it, which ours do not hold, and fail on a damaged one
        # without naming it.
        pass

    def _run_subcommand(self, subcommand: str) -> None:
        try:
            super()._run_subcommand(subcommand)
        except RuntimeError as error:  # Also what CUDA raises; the CPU has no error class of its own for this.
            if "loading state_dict" in str(error):
                raise ConfigurationError(
                    "the checkpoint of --ckpt_path belongs to another network: go on with the settings of its own run, "
                    "which are in the config.yaml beside its folder checkpoints/"
                ) from None
            if not isinstance(error, torch.OutOfMemoryError) and not re.search(_OUT_OF_MEMORY, str(error)):
                raise
            batch = self.datamodule.batch_size
            smaller = f"try --data.batch_size {batch // 2}" if batch > 1 else "try a smaller data.size"
            raise RgbdSegError(
                f"the memory is too small for batches of {batch} pictures of {self.datamodule.size[0]}x"
                f"{self.datamodule.size[1]}: {smaller} (and trainer.accumulate_grad_batches 2 for the same gradient), "
                "or on a GPU --trainer.precision 16-mixed"
            ) from None


_USAGE = "python -m training {0} --config RECIPE [--SETTING VALUE ...]   (python -m training {0} --help lists them)"
_EXAMPLES = """
examples:
  a small network on a folder of your own:
    python -m training fit --config lite --data.init_args.root mine
  from the weights of the model that comes with the program:
    python -m training fit --config lite --data.init_args.root mine --model.initial_weights demo
  go on after a stop:
    python -m training fit --config RUN/config.yaml --ckpt_path RUN/checkpoints/recent.ckpt
  what a recipe and the changes to it come to:
    python -m training fit --config strong --data.init_args.batch_size 4 --print_config
  the scores of a checkpoint, on the pictures to validate or to test on:
    python -m training validate --config RUN/config.yaml --ckpt_path RUN/checkpoints/last.ckpt
    python -m training test --config RUN/config.yaml --ckpt_path RUN/checkpoints/last.ckpt
"""
_OUT_OF_MEMORY = "not enough memory|can't allocate memory|out of memory"


def _label_set(data: RgbdData) -> Any:
    return data.label_set


def _size(data: RgbdData) -> Any:
    return data.size


def _depth_statistics(data: RgbdData) -> Any:
    return data.depth_statistics


def run_lightning(arguments: Sequence[str]) -> int:
    """Runs one of Lightning's commands.

    Args:
        arguments: The command line behind the program's name, beginning with `fit`, `validate` or `test`; recipes by
            their paths.

    Raises:
        ConfigurationError: Settings do not fit together, or ask for what this machine does not have.
        RgbdSegError: The run had to stop.
    """
    _silence_lightning()
    try:
        _run(arguments)
    except MisconfigurationException as error:
        raise ConfigurationError(str(error)) from None
    except ValueError as error:
        # jsonargparse wraps what the data say while it links them to the network.
        said = _own_error(error)
        if said is None:
            raise
        raise said from None
    return 0


def _own_error(error: BaseException | None) -> RgbdSegError | None:
    while error is not None and not isinstance(error, RgbdSegError):
        error = error.__cause__ or error.__context__
    return error


def _run(arguments: Sequence[str]) -> None:
    TrainingCLI.only(arguments[0])(
        SegmentationModule,
        RgbdData,
        subclass_mode_data=True,
        seed_everything_default=0,
        # The usage that is drawn up from all settings buries the message below it.
        parser_kwargs={
            "prog": "python -m training",
            "formatter_class": _Help,
            **{
                command: {
                    "usage": _USAGE.format(command),
                    "description": summary[0].upper() + summary[1:] + ".",
                    "epilog": _EXAMPLES,
                }
                for command, summary in LIGHTNING_COMMANDS.items()
                if command == arguments[0]
            },
        },
        trainer_defaults={
            "use_distributed_sampler": False,
            "logger": {"class_path": "lightning.pytorch.loggers.TensorBoardLogger", "init_args": {"save_dir": "runs"}},
            "callbacks": [RunRecord(), StopOnNaN(), MetricsFile()],
            "plugins": [{"class_path": "training.AtomicCheckpointIO"}],
        },
        args=list(arguments),
        save_config_kwargs={"overwrite": True},
    )


def _silence_lightning() -> None:
    """Warnings of Lightning about itself, which nobody who trains can do anything about."""
    # It calls deprecated functions of jsonargparse and of PyTorch.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"jsonargparse|lightning\.pytorch\.cli")
    for message in (
        ".*LeafSpec.*",
        r"(?s)\s*By default only one JsonargparseDeprecationWarning.*",
        r"(?s)\s*``.*was\s+deprecated.*",
        ".*your dataloader is not resumable.*",  # It is: its sampler leaves out what the epoch has had.
        ".*exists and is not empty.*",  # That is what resuming a run in its own directory looks like.
        ".*args parameter is intended.*",  # We do mean our own list of arguments.
        ".*does not have many workers.*",  # Small data are read faster without.
        ".*The number of training batches.*",
        ".*is not supported by the model summary.*",
    ):
        warnings.filterwarnings("ignore", message=message)
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_is_no_advertisement)


def _is_no_advertisement(record: logging.LogRecord) -> bool:
    return "litlogger" not in record.getMessage()
