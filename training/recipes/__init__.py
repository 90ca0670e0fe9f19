"""The recipes that come with the program, by their names: `--config lite` from any folder, installed or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rgbd_seg.errors import ConfigurationError

_FOLDER = Path(__file__).parent
CONFIG_OPTIONS = ("config", "c")
_OPTIONS = ("--config", "-c")


def recipe_names() -> tuple[str, ...]:
    """What `--config` takes without a path, in the order of the alphabet."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def recipe_path(name: str | Path) -> Path:
    """The file of a recipe: a path as it is, or a name such as "lite"; a file of that name goes first.

    Raises:
        ConfigurationError: There is neither.
    """
    path = Path(name)
    if path.exists():
        return path
    if str(name) in recipe_names():
        return _FOLDER / f"{name}.yaml"
    raise ConfigurationError(
        f"there is no recipe, file or folder {name}; the recipes that come with the program are "
        f"{', '.join(recipe_names())}"
    )


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
