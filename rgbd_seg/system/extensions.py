"""Cameras, back ends, layouts and formats of other packages: modules that these declare as entry points.

A package names them in its `pyproject.toml`; the name is the scheme, the back end or the format, the value a module
with what `REQUIRED` lists for the group:

    [project.entry-points."rgbd_seg.sensors"]
    toy = "toy_camera.driver"

Our own are in tables of the same form beside what uses them. Other packages are looked for only where ours do not
answer, because that takes a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType

from rgbd_seg.errors import ConfigurationError

#: What a module of each group must have.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "rgbd_seg.sensors": ("list_devices", "open_device"),
    "rgbd_seg.backends": ("NAME", "SUFFIXES", "devices", "problem", "open_segmenter"),
    "rgbd_seg.layouts": ("matches", "open_reader"),
    "rgbd_seg.exports": ("SUFFIX", "SUMMARY", "open_target"),
}


@lru_cache
def extensions(group: str) -> Mapping[str, str]:
    """Module by name of what other packages bring to a group; loads none of it."""
    return {point.name: point.value for point in entry_points(group=group)}


def load_extension(group: str, name: str) -> ModuleType:
    """Imports what another package brings.

    Raises:
        ConfigurationError: It cannot be imported, or lacks what its group must have; the message says what.
    """
    module_name = extensions(group)[name]
    try:
        module = import_module(module_name)
    except Exception as error:  # Somebody else's code throws whatever it likes.
        raise ConfigurationError(
            f"{name!r} of the group {group} is broken: {module_name} cannot be imported "
            f"({type(error).__name__}: {str(error)[:200]}). Update or remove the package that brings it"
        ) from error
    missing = [wanted for wanted in REQUIRED[group] if not hasattr(module, wanted)]
    if missing:
        raise ConfigurationError(
            f"{name!r} of the group {group} is broken: {module_name} has no {', '.join(missing)}. Update or remove the "
            "package that brings it"
        )
    return module


def usable_extensions(group: str) -> dict[str, ModuleType]:
    """All of a group that can be imported; the doctor names the others."""
    found = {}
    for name in extensions(group):
        try:
            found[name] = load_extension(group, name)
        except ConfigurationError:
            continue
    return found
