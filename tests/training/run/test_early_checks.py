"""What is wrong with a command line is told at once."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.errors import ConfigurationError
from tests.training.small_run import arguments
from tests.waiting import PATIENCE_S
from training.__main__ import main
from training.commands import COMMANDS
from training.recipes import recipe_names
from training.run.early_checks import LIGHTNING_COMMANDS, check_command_line

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("--model.encodr=resnet34", "did you mean --model.encoder"),
        ("--model.optimizer.learningrate=1", "did you mean --model.optimizer.learning_rate"),
        ("--data.batchsize=4", "did you mean --data.batch_size"),
        ("--data.init_args.val_shares=0.1", "did you mean --data.init_args.val_share"),
        ("--trainer.max_epoch=4", "did you mean --trainer.max_epochs"),
        ("--recent.every_n_steps=4", "--recent.every_n_train_steps"),
        ("--trainr.max_epochs=4", "did you mean --trainer"),
        ("--ckpt_path=none.ckpt", "there is no checkpoint none.ckpt"),
    ],
)
def test_a_typo_is_named_with_what_was_meant(small_folder: Path, tmp_path: Path, setting: str, said: str):
    with pytest.raises(ConfigurationError, match=said):
        check_command_line(arguments(small_folder, tmp_path, setting))


def test_what_is_right_passes(small_folder: Path, tmp_path: Path):
    check_command_line(
        arguments(
            small_folder,
            tmp_path,
            "--trainer.callbacks+=training.WeightAveraging",
            "--trainer.callbacks.decay=0.9",
            "--model.optimizer.name",
            "adam",
            "--data.init_args.room_seed=3",
            "--seed_everything=1",
        )
    )
    check_command_line(["fit", "--data=mine.Data", "--data.whatever=1"])
    check_command_line(["fit", "--help"])


@pytest.mark.parametrize("setting", ["--data.root={}/none", "--data.init_args.val_root={}/none"])
def test_a_folder_that_is_not_there_is_named(small_folder: Path, tmp_path: Path, setting: str, capsys):
    assert main(arguments(small_folder, tmp_path, setting.format(tmp_path))) == 2
    assert f"the folder {tmp_path}/none does not exist" in capsys.readouterr().err


def test_a_recipe_that_is_none_lists_those_that_are(capsys):
    assert main(["fit", "--config", "lit"]) == 2
    said = capsys.readouterr().err
    assert "there is no recipe, file or folder lit" in said
    assert ", ".join(recipe_names()) in said


def test_no_command_at_all_lists_them(capsys):
    assert main([]) == 2
    said = capsys.readouterr().err
    assert all(f"\n    {command} " in said for command in (*COMMANDS, *LIGHTNING_COMMANDS))


def test_none_of_it_loads_what_takes_seconds():
    code = (
        "import sys\nfrom training.__main__ import main\n"
        "assert main(['fit', '--config', 'lite', '--model.encodr=1']) == 2\n"
        "assert main(['fit', '--config', 'lite', '--data.init_args.root=nowhere']) == 2\n"
        "assert main([]) == 2\n"
        "slow = {'torch', 'lightning', 'numpy', 'cv2', 'jsonargparse'} & {name.split('.')[0] for name in sys.modules}\n"
        "assert not slow, slow"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
