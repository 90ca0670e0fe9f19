"""The help of every command, which is its manual page."""

from __future__ import annotations

import pytest

from training.__main__ import main
from training.commands import COMMANDS
from training.run.early_checks import LIGHTNING_COMMANDS


@pytest.mark.parametrize("command", [*COMMANDS, *LIGHTNING_COMMANDS])
def test_every_command_has_examples(command: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    _, _, examples = capsys.readouterr().out.partition("\nexamples:\n")
    assert f" {command} " in examples


def test_the_help_lists_every_command(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(f"\n    {command} " in said for command in (*COMMANDS, *LIGHTNING_COMMANDS))
