"""What a user can say about a recording of another program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rgbd_seg.recording.messages.choice import Wanted
from rgbd_seg.recording.pictures.pair_reader import flag_option, number_option, refuse_unknown

OPTIONS = ("color", "depth", "calibration", "depth_unit_m", "invalid_depth", "registered")


@dataclass(frozen=True, slots=True)
class MessageOptions:
    """What a user can say about a foreign recording.

    Attributes:
        wanted: Topics, and whether depth is registered.
        depth_unit_m: Metres per count, or per number of floating-point depth; None: millimetres, or metres.
        invalid_depth: A count that means "no return" besides 0.
    """

    wanted: Wanted = field(default_factory=Wanted)
    depth_unit_m: float | None = None
    invalid_depth: int = 0

    @staticmethod
    def parse(options: Mapping[str, str]) -> MessageOptions:
        """Takes the options of `open_recording`.

        Raises:
            ConfigurationError: An option is unknown or out of its range.
        """
        refuse_unknown(options, OPTIONS)
        topics = (options.get("color"), options.get("depth"), options.get("calibration"))
        return MessageOptions(
            Wanted(*topics, flag_option(options, "registered")),
            number_option(options, "depth_unit_m", 1e-7, 1.0),
            int(number_option(options, "invalid_depth", 0, 65535) or 0),
        )
