"""Data for the commands besides `fit`: named by a recipe, by a run's `config.yaml`, or by a folder of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import jsonargparse
import yaml

from rgbd_seg.errors import ConfigurationError
from training.data.data_module import RgbdData
from training.data.sunrgbd import INDEX_FILE
from training.recipes import recipe_path


def open_data(source: Path, overrides: Sequence[str] = ()) -> RgbdData:
    """The data module that `--data` and `--set` name.

    Raises:
        ConfigurationError: There is no such file, it has no data section, or a setting is wrong.
    """
    section = _section(recipe_path(source))
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise ConfigurationError(f"--set wants KEY=VALUE, not {override!r}")
        section.setdefault("init_args", {})[key] = yaml.safe_load(text)
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(RgbdData, "data", required=True)
    try:
        data = parser.instantiate(parser.parse_object({"data": section})).data
    except (jsonargparse.ArgumentError, TypeError) as error:
        raise ConfigurationError(f"the data settings in {source} cannot be used: {_in_short(error)}") from None
    if not isinstance(data, RgbdData):
        raise ConfigurationError(f"{source} names no data module")
    return data


def _in_short(error: Exception) -> str:
    """What is wrong, without the types that jsonargparse has tried and all settings again."""
    lines = iter(str(error).splitlines())
    if not any("Problem with given class_path" in line for line in lines):
        return str(error)
    return " ".join(line.strip() for line in takewhile(lambda line: line.startswith(" " * 8), lines))


def _section(source: Path) -> dict[str, Any]:
    if source.is_dir():
        if (source / INDEX_FILE).is_file():
            return {"class_path": "training.SunRgbdData", "init_args": {"root": str(source)}}
        roots = dict.fromkeys(("root", "val_root", "test_root"), str(source))
        return {"class_path": "training.FolderData", "init_args": roots}
    try:
        document = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"cannot read the data settings from {source}: {error}") from None
    section = document.get("data") if isinstance(document, dict) else None
    if not isinstance(section, dict) or "class_path" not in section:
        raise ConfigurationError(
            f"{source} has no data section with a class_path: give a recipe or a run's config.yaml"
        )
    return section
