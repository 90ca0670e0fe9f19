"""What a recording says of the source's settings, whoever records it: the mode, and every control by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rgbd_seg.calibration import Calibration
    from rgbd_seg.sensors.sensor import Control, StreamMode


def recording_settings(
    controls: Iterable[Control], mode: StreamMode | None, calibration: Calibration
) -> Mapping[str, str]:
    """Plain text for `Recorder`.

    Args:
        controls: Of the open source.
        mode: The one that was asked for; None for the source's own.
        calibration: Of the open source: the size of its pictures.
    """
    lens = calibration.color
    settings = {control.name: str(control.value) for control in controls}
    return settings | {"mode": str(mode) if mode else f"{lens.width}x{lens.height}"}
