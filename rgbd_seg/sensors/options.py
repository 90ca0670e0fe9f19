"""What can be written behind the `?` of a source's name, as a table for whoever offers it to choose from.

The drivers and layouts read the options themselves and refuse what they do not know; a test holds this table to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.scenes.cameras import CAMERAS
from rgbd_seg.scenes.furnishing import ROOM_KINDS
from rgbd_seg.sensors import open_sensor, parse_uri


@dataclass(frozen=True, slots=True)
class SourceOption:
    """One option of a kind of source.

    Attributes:
        name: Its key in the name of the source.
        label: What people call it.
        usual: What happens without it, in words.
        choices: Values and what people call them; empty where it is typed.
        example: A value, for options that are typed.
    """

    name: str
    label: str
    usual: str
    choices: tuple[tuple[str, str], ...] = ()
    example: str = ""


_YES_NO = (("1", "yes"), ("0", "no"))
_REAL_TIME = SourceOption("realtime", "At the recorded rate", "yes", (("yes", "yes"), ("no", "as fast as it is read")))
_INFRARED = SourceOption("infrared", "Infrared picture", "no", _YES_NO)
_ROOM = (
    SourceOption("room", "Room", "the seed decides", tuple((kind, kind) for kind in ROOM_KINDS)),
    SourceOption("seed", "Seed", "7", example="any whole number: another room each"),
    SourceOption("camera", "Camera", "Xtion", tuple((camera.name, camera.title) for camera in CAMERAS)),
    SourceOption("noise", "Camera noise", "as that camera has it", (("1", "as that camera has it"), ("0", "none"))),
    SourceOption("speed", "Walking speed", "1", example="0 to 20; 0 stands still"),
    SourceOption("size", "Size", "the camera's own", example="320x240"),
    SourceOption("fps", "Pictures a second", "30", example="0 to 120; 0 is as fast as it can"),
    _INFRARED,
)
_RECORDING = (
    SourceOption("loop", "Start again at the end", "no", _YES_NO),
    SourceOption("speed", "Speed", "1", tuple((text, f"{text}x") for text in ("0.1", "0.5", "1", "2", "4", "8"))),
    SourceOption(
        "mode", "Frames", "in real time", (("real-time", "in real time"), ("every-frame", "every one, however slow"))
    ),
    SourceOption("depth_unit_m", "Metres a count of depth", "as the recording says", example="0.001"),
    SourceOption("registered", "Depth lies on colour", "as the recording says", _YES_NO),
)
_TOPICS = tuple(
    SourceOption(name, f"Topic of {words}", "the best one", example=f"/camera/{name}")
    for name, words in (("color", "colour"), ("depth", "depth"), ("calibration", "the calibration"))
)
_FOLDER = (
    SourceOption("fps", "Pictures a second", "as the folder says, or 30", example="15"),
    SourceOption("invalid_depth", "Count that means no depth", "65535", example="0"),
    SourceOption("label_set", "Label set", "that of the folder", example="sunrgbd37"),
    SourceOption("max_difference", "TUM: longest time between partners", "0.02 s", example="0.05"),
    SourceOption(
        "depth", "SUN RGB-D: depth", "as measured", (("raw", "as measured"), ("refined", "holes filled by its makers"))
    ),
    SourceOption(
        "labels",
        "SUN RGB-D: labels",
        "prepared maps, else outlines",
        (("auto", "prepared maps, else outlines"), ("prepared", "maps"), ("polygons", "outlines"), ("none", "none")),
    ),
    SourceOption("prepared", "SUN RGB-D: tree of prepared maps", "none", example="a folder"),
)
_KINECT2 = SourceOption(
    "backend",
    "Library",
    "the first that is installed",
    tuple((n, n) for n in ("openni", "libfreenect2", "kinect-next")),
)


def options_of(uri: str) -> tuple[SourceOption, ...]:
    """The options that the source of this name may have; those of another camera's package are not known here.

    Raises:
        ConfigurationError: It is no name of a source.
    """
    parsed = parse_uri(uri)
    of_file = parsed.rest.startswith("file:")
    if parsed.scheme == "synthetic":
        return _ROOM
    if parsed.scheme == "kinect2":
        return (_REAL_TIME,) if of_file else (_KINECT2, _INFRARED)
    if parsed.scheme == "realsense":
        return (_REAL_TIME, _INFRARED) if of_file else (_INFRARED,)
    if parsed.scheme in ("openni", "azure"):
        return (_REAL_TIME,) if of_file else ()
    if parsed.scheme != "file":
        return ()
    path = Path(parsed.rest).expanduser()
    if path.suffix.lower() in (".bag", ".db3") or (path / "metadata.yaml").is_file():
        return (*_RECORDING, *_TOPICS)
    if path.suffix.lower() == ".mcap":
        return (*_RECORDING, *_TOPICS)
    return (*_RECORDING, *_FOLDER) if path.is_dir() else _RECORDING


def with_option(uri: str, name: str, value: str) -> str:
    """The same source with an option set; "" takes it out.

    Raises:
        ConfigurationError: It is no name of a source.
    """
    parsed = parse_uri(uri)
    options = dict(parsed.options)
    options.pop(name, None)
    if value:
        options[name] = value
    return _joined(uri, parsed.options, options)


def _joined(uri: str, before: Mapping[str, str], options: Mapping[str, str]) -> str:
    place = uri.partition("?")[0] if before else uri.removesuffix("?")
    query = "&".join(f"{key}={quote(value, safe='/:. ')}" for key, value in options.items())
    return f"{place}?{query}" if query else place


def problem_of(uri: str) -> str:
    """What can be seen to be wrong with the name of a source before it is opened, in words; "" if nothing."""
    try:
        parsed = parse_uri(uri)
        if parsed.scheme == "synthetic":
            open_sensor(uri)  # Reads and checks every option; the room is built when it is opened.
        elif parsed.scheme == "file":
            path = Path(parsed.rest).expanduser()
            if not path.exists():
                scheme, colon, _ = parsed.rest.partition(":")
                if colon and len(scheme) > 1 and scheme.isidentifier():
                    return f"there is no kind of source called {scheme!r}, and no file of that name"
                return f"there is no file or folder {path}"
        else:
            known = [one.name for one in options_of(uri)]
            if known or parsed.scheme in ("realsense", "openni", "kinect1", "azure"):
                parsed.refuse_unknown(*known)
    except RuntimeError:  # Of pathlib.
        return f"{uri.split('/')[0]} has no home folder here: write the whole path"
    except OSError as error:
        return f"{error.strerror or error}: {uri[:40]}{'…' if len(uri) > 40 else ''}"
    except (RgbdSegError, ValueError) as error:
        return str(error)
    return ""
