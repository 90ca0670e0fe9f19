"""Recipes by name, from any folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.__main__ import main
from training.recipes import recipe_names, recipe_path, with_recipe_paths


def test_names_stand_for_the_files_that_come_with_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert {"demo", "lite", "rooms", "seed", "strong"} <= set(recipe_names())
    (tmp_path / "own.yaml").write_text("")
    assert with_recipe_paths(["fit", "--config", "lite", "--config=strong", "-c", "own.yaml", "--name=lite"]) == [
        "fit",
        "--config",
        str(recipe_path("lite")),
        f"--config={recipe_path('strong')}",
        "-c",
        "own.yaml",
        "--name=lite",
    ]
    assert recipe_path("lite").is_file()
    (tmp_path / "lite").write_text("mine")
    assert recipe_path("lite") == Path("lite")


def test_fit_and_data_take_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["fit", "--config", "lite", "--print_config"])
    assert ended.value.code == 0
    assert "base_width: 32" in capsys.readouterr().out
    assert main(["show", "--data", "lite", "--set", "root=nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
