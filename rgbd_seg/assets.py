"""Where the files that come with the program are, in a checkout and in an installed wheel."""

from pathlib import Path

from rgbd_seg.errors import MissingAsset

DEMO_MODEL = "models/demo.safetensors"
DEMO_RECORDING = "recordings/demo.mcap"

_INSTALLED = Path(__file__).parent / "assets"
_CHECKOUT = Path(__file__).parent.parent / "assets"


def asset(name: str) -> Path:
    """The path of a bundled file.

    Args:
        name: Path below `assets/`, with forward slashes, such as `"label_sets/sunrgbd37.json"`.

    Raises:
        MissingAsset: The installation lacks that file.
    """
    root = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    path = root / name
    if not path.exists():
        raise MissingAsset(f"the installation lacks its file {name}: install rgbd-seg again")
    return path
