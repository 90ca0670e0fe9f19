"""Where the files that come with the program are, in a checkout and in an installed wheel."""

from pathlib import Path

from rgbd_seg.errors import MissingAsset

DEMO_RECORDING = "recordings/demo.mcap"

# What the bundled models are called where a model file is asked for, and what they are for.
REAL, FINE, DEMO = "real", "real-fine", "demo"
BUNDLED_MODELS = {
    REAL: "Real rooms, 37 classes",
    FINE: "Real rooms, 37 classes, finer and slower",
    DEMO: "Built-in rooms, 12 classes",
}

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


def model_path(name: str) -> Path:
    """The model file that somebody names: its path, or one of `BUNDLED_MODELS`.

    Raises:
        MissingAsset: The installation lacks its model.
    """
    return asset(f"models/{name}.safetensors") if name in BUNDLED_MODELS else Path(name)
