"""What can be told of a wrong command line at once, before PyTorch and Lightning are loaded, which takes seconds.

Settings are read out of the source of the classes that take them. What is not found wrong here is checked again, in
full, when the command line is parsed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from rgbd_seg.errors import ConfigurationError
from training.recipes import CONFIG_OPTIONS, recipe_path

# Lightning's commands; `training.run.fit` has their arguments.
LIGHTNING_COMMANDS = {
    "fit": "train by a recipe; every setting can be changed on the command line",
    "validate": "score a checkpoint on the validation pictures, as the run itself does",
    "test": "score a checkpoint on the test pictures, as the run itself does",
}
_OWN = "training."
_TRAINING = Path(__file__).parents[1]
_TOP = ("trainer", "model", "data", "checkpoint", "last", "recent", "pictures")
_SINGLE = (
    "help",
    "config",
    "print_config",
    "seed_everything",
    "ckpt_path",
    "weights_only",
    "verbose",
    "logger",
    "find",
)
_ROOTS = ("root", "val_root", "test_root")


def check_command_line(arguments: Sequence[str]) -> None:
    """Refuses settings that do not exist, and folders and files that are not there.

    Args:
        arguments: Behind the program's name, beginning with `fit`, `validate` or `test`; recipes by their paths.

    Raises:
        ConfigurationError: With what was probably meant.
    """
    given = list(_options(arguments[1:]))
    if any(key in ("help", "h") or key.endswith(".help") or key == "print_config" for key, _ in given):
        return
    own_data = all(value.startswith(_OWN) or "." not in value for value in _data_classes(given))
    for key, _ in given:
        _check_key(key, own_data=own_data)
    for key, value in _data_roots(given):
        if not Path(value).is_dir():
            there = "is a file, not a folder" if Path(value).exists() else "does not exist"
            raise ConfigurationError(
                f"the folder {value} {there}: name your pictures' folder with --data.init_args.{key}"
            )
    checkpoint = next((value for key, value in reversed(given) if key == "ckpt_path"), "")
    if checkpoint.endswith(".ckpt") and not Path(checkpoint).is_file():
        raise ConfigurationError(
            f"there is no checkpoint {checkpoint}: a run's checkpoints are in its folder checkpoints/"
        )


def _options(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value ("" if it has none), without the dashes and the + of lists."""
    for position, argument in enumerate(arguments):
        if argument.startswith("-") and not argument[1:2].isdigit():
            key, equals, value = argument.lstrip("-").partition("=")
            behind = arguments[position + 1] if position + 1 < len(arguments) else ""
            yield key.removesuffix("+"), value if equals else "" if behind.startswith("--") else behind


def _configs(given: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """The documents of the recipes."""
    for key, value in given:
        if key in CONFIG_OPTIONS:
            path = recipe_path(value)
            try:
                document = yaml.safe_load(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
                raise ConfigurationError(f"cannot read the recipe {path}: {error}") from None
            if isinstance(document, dict):
                yield document


def _data_classes(given: Sequence[tuple[str, str]]) -> Iterator[str]:
    for document in _configs(given):
        data = document.get("data")
        if isinstance(data, dict):
            yield str(data.get("class_path", ""))
    for key, value in given:
        if key in ("data", "data.class_path"):
            yield value


def _data_roots(given: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The folders that the data are read from, as the last who speaks of them says."""
    roots: dict[str, str] = {}
    for document in _configs(given):
        data = document.get("data")
        settings = data.get("init_args") if isinstance(data, dict) else None
        if isinstance(settings, dict):
            roots |= {key: str(settings[key]) for key in _ROOTS if settings.get(key)}
    for key, value in given:
        name = key.removeprefix("data.").removeprefix("init_args.")
        if key.startswith("data.") and name in _ROOTS and value not in ("", "null"):
            roots[name] = value
    yield from roots.items()


def _check_key(key: str, *, own_data: bool) -> None:
    first, _, rest = key.partition(".")
    if first not in (*_TOP, *_SINGLE, "c", "h"):
        _refuse(key, first, (*_TOP, *_SINGLE), "")
    second, _, third = rest.partition(".")
    if first == "data":
        if second == "init_args":
            second, first = third.partition(".")[0], "data.init_args"
        elif second in ("class_path", "dict_kwargs"):
            return
    if not second or (first.startswith("data") and not own_data):
        return
    if second not in _settings(first):
        _refuse(key, second, _settings(first), f"{first}.")
    if (first, second) == ("model", "optimizer") and third and third not in _optimizer_settings():
        _refuse(key, third, _optimizer_settings(), "model.optimizer.")


def _refuse(key: str, part: str, known: Sequence[str], before: str) -> None:
    close = get_close_matches(part, known, n=3, cutoff=0.6)
    meant = f"did you mean {' or '.join(f'--{before}{name}' for name in close)}?" if close else ""
    say = meant or f"python -m training fit --help lists the settings of {before.removesuffix('.') or 'a run'}"
    raise ConfigurationError(f"there is no setting --{key}: {say}")


@lru_cache(maxsize=16)
def _settings(group: str) -> tuple[str, ...]:
    """The settings of a group, from the constructors of what it builds."""
    if group == "trainer":
        return _parameters(_lightning() / "pytorch" / "trainer" / "trainer.py", "Trainer")
    if group == "model":
        return _parameters(_TRAINING / "network" / "module.py", "SegmentationModule")
    if group == "pictures":
        return _parameters(_TRAINING / "run" / "callbacks.py", "Pictures")
    if group.startswith("data"):
        found: dict[str, None] = {}
        for path in sorted((_TRAINING / "data").glob("*.py")):
            for node in _classes(path):
                if node.name.endswith("Data"):
                    found |= dict.fromkeys(_constructor(node))
        return tuple(found)
    return _parameters(_lightning() / "pytorch" / "callbacks" / "model_checkpoint.py", "ModelCheckpoint")


def _lightning() -> Path:
    spec = find_spec("lightning")
    if spec is None or spec.origin is None:
        raise ConfigurationError("Lightning is not installed: pip install 'rgbd-seg[train]'")
    return Path(spec.origin).parent


@lru_cache(maxsize=64)
def _classes(path: Path) -> tuple[ast.ClassDef, ...]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return tuple(node for node in tree.body if isinstance(node, ast.ClassDef))


def _parameters(path: Path, name: str) -> tuple[str, ...]:
    return next(_constructor(node) for node in _classes(path) if node.name == name)


def _constructor(node: ast.ClassDef) -> tuple[str, ...]:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return tuple(a.arg for a in (*item.args.args[1:], *item.args.kwonlyargs))
    return ()


def _optimizer_settings() -> tuple[str, ...]:
    path = _TRAINING / "network" / "schedule.py"
    node = next(node for node in _classes(path) if node.name == "OptimizerOptions")
    return tuple(
        item.target.id for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    )
