"""Which member of the DeResUNet family a network is: what its card says of it.

Does without PyTorch, so that a card can be read where that is not loaded.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import MAX_CLASSES

ENCODERS = ("resnet18", "resnet34", "resnet50")
PUBLISHED_WIDTH = 64
# No address of a hub or a folder fits it, only the plain name of a network that a library builds.
_OF_A_LIBRARY = re.compile(r"(timm|torchvision):[A-Za-z0-9_][A-Za-z0-9_.]{0,99}")
Fusion = Literal["dual", "early", "color", "depth"]
FUSIONS = ("dual", "early", "color", "depth")


@dataclass(frozen=True, slots=True)
class DeResUNetConfig:
    """What defines one member of the family.

    Attributes:
        classes: Output channels.
        encoder: "resnet18", "resnet34" or "resnet50" (the published one), or a network of a library that gives
            features at 1/2, 1/4, 1/8, 1/16 and 1/32 of its input, such as "timm:tf_efficientnet_lite0" or
            "torchvision:resnet101".
        fusion: "dual": one encoder each for colour and depth, concatenated at every scale (the published network);
            "early": one encoder over the four stacked channels; "color" or "depth": one encoder, the other input is
            ignored.
        base_width: Channels of a ResNet's stem (64 as published); networks of libraries have their own.
        decoder_widths: Channels of the bottleneck and of the four up-blocks, coarse to fine; multiples of 4.
        tail_width: Channels at full resolution, before the last 1x1 convolution.
    """

    classes: int
    encoder: str = "resnet50"
    fusion: Fusion = "dual"
    base_width: int = PUBLISHED_WIDTH
    decoder_widths: tuple[int, int, int, int, int] = (2048, 1024, 512, 256, 64)
    tail_width: int = 8

    def __post_init__(self) -> None:
        _check_range("classes", self.classes, 1, MAX_CLASSES)
        if self.encoder not in ENCODERS and not (
            isinstance(self.encoder, str) and _OF_A_LIBRARY.fullmatch(self.encoder)
        ):
            raise ConfigurationError(
                f"encoder must be one of {', '.join(ENCODERS)}, timm:NAME or torchvision:NAME for one of these "
                f"libraries, not {self.encoder!r:.120}"
            )
        if ":" in self.encoder and self.base_width != PUBLISHED_WIDTH:
            raise ConfigurationError(f"base_width is for the ResNets here; {self.encoder} has widths of its own")
        if self.fusion not in FUSIONS:
            raise ConfigurationError(f"fusion must be one of {', '.join(FUSIONS)}, not {self.fusion!r:.80}")
        _check_range("base_width", self.base_width, 4, 256)
        if not isinstance(self.decoder_widths, tuple) or len(self.decoder_widths) != 5:
            raise ConfigurationError(f"decoder_widths must be five numbers, not {self.decoder_widths!r:.80}")
        for width in self.decoder_widths:
            _check_range("each of decoder_widths", width, 4, 4096)
            if width % 4:
                raise ConfigurationError(f"each of decoder_widths must be a multiple of 4, {width} is not")
        _check_range("tail_width", self.tail_width, 1, 512)

    @staticmethod
    def lite(classes: int) -> DeResUNetConfig:
        """The member for laptops: two narrow ResNet18 encoders, about 8 million parameters."""
        return DeResUNetConfig(classes, "resnet18", base_width=32, decoder_widths=(256, 128, 64, 32, 32))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"decoder_widths": list(self.decoder_widths)}

    @staticmethod
    def from_dict(data: Any) -> DeResUNetConfig:
        """Reads what `to_dict` wrote.

        Raises:
            ConfigurationError: A field is missing, unknown or out of range.
        """
        if not isinstance(data, dict):
            raise ConfigurationError("a network's description must be an object with named fields")
        fields = dict(data)
        if isinstance(fields.get("decoder_widths"), list):
            fields["decoder_widths"] = tuple(fields["decoder_widths"])
        try:
            return DeResUNetConfig(**fields)
        except TypeError:  # A name that is missing, or one that does not exist.
            known = ", ".join(DeResUNetConfig.__dataclass_fields__)
            named = ", ".join(str(key)[:40] for key in list(fields)[:20])
            raise ConfigurationError(f"a network's description has the fields {known}; this one has {named}") from None


def _check_range(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigurationError(f"{name} must be a whole number {low}..{high}, not {value!r:.80}")
