"""What the training module needs besides the program itself: asked before a training is offered or started."""

from importlib.util import find_spec

_NEEDED = (
    "training",
    "lightning",
    "jsonargparse",
    "torchmetrics",
    "tensorboard",
    "albumentations",
    "h5py",
    "scipy",
    "matplotlib",
)


def missing_for_training() -> str:
    """The modules that are not installed, with commas; "" if there is nothing in the way."""
    return ", ".join(name for name in _NEEDED if find_spec(name) is None)
