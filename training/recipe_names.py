"""The recipes that come with the program, by their names: `--config lite` from any folder, installed or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FOLDER = Path(__file__).parent / "recipes"
_OPTIONS = ("--config", "-c")


def recipe_names() -> tuple[str, ...]:
    """All of them."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def recipe_path(name: str | Path) -> Path:
    """The file of a recipe: a path as it is, or a name such as "lite"; a file of that name goes first."""
    path = Path(name)
    return path if path.exists() or str(name) not in recipe_names() else _FOLDER / f"{name}.yaml"


def with_recipe_paths(arguments: Sequence[str]) -> list[str]:
    """The command line with paths in the place of names behind `--config`."""
    found: list[str] = []
    for argument in arguments:
        option, equals, value = argument.partition("=")
        if equals and option in _OPTIONS:
            found.append(f"{option}={recipe_path(value)}")
        elif found and found[-1] in _OPTIONS:
            found.append(str(recipe_path(argument)))
        else:
            found.append(argument)
    return found
