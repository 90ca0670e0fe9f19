"""Which streams of a foreign recording are colour, depth and their calibration: by what they say, not by their order.

A pure function over descriptions of the streams. Colour goes before grey, metric encodings before 16-bit grey, what
belongs to one camera (equal frame ids, common topic prefix) before what does not, registered depth before unregistered.
Equal size proves nothing: an infrared camera may have colour's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rgbd_seg.errors import ConfigurationError, RecordingError
from rgbd_seg.recording.messages.encodings import words_of
from rgbd_seg.recording.pictures.depth_as_gray import NO_COLOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rgbd_seg.recording.messages.encodings import Role
    from rgbd_seg.recording.messages.message import Camera

_INFRARED = frozenset({"ir", "infra", "infrared", "nir", "thermal", "amplitude"})
_DEPTH_WORDS = frozenset({"depth", "disparity", "range"})
# Pictures of the right encoding that are neither what a camera saw nor how far it is.
_DERIVED = frozenset(
    {"confidence", "mask", "label", "labels", "segmentation", "overlay", "debug", "disparity", "normals", "result"}
    | {"visualization", "preview", "theora", "instances", "truth", "annotated", "detections", "heatmap"}
)
_REGISTERED = frozenset({"aligned", "registered", "registration"})
_COLOR_WORDS = frozenset({"color", "colour", "rgb", "bgr"})

# A file with more picture topics than this is no recording of cameras.
_MOST_PICTURES = 200


@dataclass(frozen=True, slots=True)
class PictureStream:
    """A stream of pictures, by its first message that can be read.

    Attributes:
        topic: Its name.
        role: What its encoding allows it to be.
        encoding: For people.
        frame_id: "" where it does not say.
        size: Width and height, None if the picture could not be decoded.
        count: Number of messages.
    """

    topic: str
    role: Role
    encoding: str
    frame_id: str
    size: tuple[int, int] | None
    count: int

    def __str__(self) -> str:
        size = f", {self.size[0]}x{self.size[1]}" if self.size else ""
        frame = f", frame {self.frame_id!r:.60}" if self.frame_id else ""
        return f"{self.topic} ({self.encoding}{size}{frame})"


@dataclass(frozen=True, slots=True)
class CameraStream:
    """A stream of calibrations, by its first message."""

    topic: str
    camera: Camera


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asked for: topics, or None to choose; and whether depth is registered, None to find out."""

    color: str | None = None
    depth: str | None = None
    calibration: str | None = None
    registered: bool | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What was taken.

    Attributes:
        color: Stream of colour.
        depth: Stream of depth.
        calibration: Of colour, None where the file has none that belongs to it.
        depth_calibration: Of depth where it was not taken by colour's camera, else None.
        registered: Whether depth lies on colour's pixels.
        registered_by: Why, or why not, in half a sentence.
        notes: What a user should know, in whole sentences.
    """

    color: PictureStream
    depth: PictureStream
    calibration: CameraStream | None
    depth_calibration: CameraStream | None
    registered: bool
    registered_by: str
    notes: tuple[str, ...]


def choose(
    pictures: Sequence[PictureStream],
    cameras: Sequence[CameraStream],
    wanted: Wanted | None = None,
    *,
    depth_alone: bool = False,
) -> Choice | None:
    """Finds colour, depth and calibration; None if there is no depth, or colour that cannot be read.

    With `depth_alone`, depth stands for colour too where there are no other pictures at all.

    Raises:
        ConfigurationError: A wanted topic is not there, or not what it is wanted for.
    """
    wanted = wanted or Wanted()
    pictures = pictures[:_MOST_PICTURES]
    colors = _wanted(pictures, wanted.color, "color") if wanted.color else [s for s in pictures if _may_be_color(s)]
    depths = _wanted(pictures, wanted.depth, "depth") if wanted.depth else [s for s in pictures if _may_be_depth(s)]
    pairs = [(color, depth) for color in colors for depth in depths if color.topic != depth.topic]
    if (
        depth_alone
        and not pairs
        and depths
        and all(s.role in ("depth", "gray16") for s in pictures)
        and not wanted.color
    ):
        pairs = [(depth, depth) for depth in depths]
    if not pairs:
        return None
    color, depth = max(pairs, key=lambda pair: _fitness(pair[0], pair[1], cameras))
    calibration, why_not = _calibration_of(color, depth, cameras, wanted.calibration)
    registered, reason = _registration(color, depth, wanted.registered)
    notes = [why_not] if why_not else []
    if color.topic == depth.topic:
        notes.append(NO_COLOR)
    elif color.role != "color":
        refused = "".join(f" Not known how to read: {s}." for s in pictures if s.role == "unknown")
        notes.append(
            f"There is no colour: {color.topic} is a grey picture ({color.encoding}), shown in its place.{refused}"
        )
    depth_calibration = None if registered else _calibration_of(depth, color, cameras, None)[0]
    return Choice(color, depth, calibration, depth_calibration, registered, reason, tuple(notes))


def cameras_of(
    pictures: Sequence[PictureStream], cameras: Sequence[CameraStream]
) -> list[tuple[PictureStream, PictureStream]]:
    """The pairs of colour and depth, one for each colour stream, best first: what a user can choose from."""
    best = {}
    pictures = pictures[:_MOST_PICTURES]
    for color in (s for s in pictures if _may_be_color(s) and not words_of(s.topic) & _DERIVED):
        depths = [s for s in pictures if _may_be_depth(s) and s.topic != color.topic]
        if depths:
            best[color.topic] = max(((color, d) for d in depths), key=lambda pair: _fitness(pair[0], pair[1], cameras))
    return sorted(best.values(), key=lambda pair: _fitness(pair[0], pair[1], cameras), reverse=True)


def nothing_found(
    path: object, pictures: Sequence[PictureStream], unknown: Iterable[str], others: Iterable[str]
) -> RecordingError:
    """What to say of a file without colour or without depth; names the encodings and the topics.

    Args:
        path: The file.
        pictures: The streams of pictures.
        unknown: Topics of pictures that cannot be read, each with its encoding.
        others: All other topics, each with its kind.
    """
    lacks = [
        name
        for name, found in (
            ("colour", any(map(_may_be_color, pictures))),
            ("depth", any(map(_may_be_depth, pictures))),
        )
        if not found
    ] or ["second"]
    parts = [f"{path} has no {' and no '.join(lacks)} pictures that rgbd-seg can read"]
    refused = [str(s) for s in pictures if s.role == "unknown"] + list(unknown)
    if refused:
        parts.append(f"not known how to read: {', '.join(refused[:8])}")
    readable = [str(s) for s in pictures if s.role != "unknown"]
    rest = readable + list(others)
    parts.append(f"it holds: {', '.join(rest[:12]) or 'nothing'}" if rest or not refused else "")
    return RecordingError("; ".join(filter(None, parts)))


def _wanted(pictures: Sequence[PictureStream], topic: str, use: str) -> list[PictureStream]:
    found = [s for s in pictures if s.topic == topic or s.topic.lstrip("/") == topic.lstrip("/")]
    fits = {"color": ("color", "gray", "gray16"), "depth": ("depth", "gray16")}[use]
    if not found:
        names = ", ".join(s.topic for s in pictures[:20]) or "none"
        raise ConfigurationError(f"{use}={topic}: there are no pictures on that topic; the file's are {names}")
    if found[0].role not in fits:
        raise ConfigurationError(f"{use}={topic}: pictures in {found[0].encoding} cannot be {use}")
    return found


def _may_be_color(stream: PictureStream) -> bool:
    return stream.role in ("color", "gray", "gray16")


def _may_be_depth(stream: PictureStream) -> bool:
    return stream.role in ("depth", "gray16")


def _fitness(color: PictureStream, depth: PictureStream, cameras: Sequence[CameraStream]) -> tuple[object, ...]:
    """How well two streams serve as colour and depth; larger is better."""
    of_color, of_depth = words_of(color.topic), words_of(depth.topic)
    frames_differ = bool(color.frame_id and depth.frame_id and color.frame_id != depth.frame_id)
    return (
        # What they are.
        ("depth", "gray16", "gray", "color").index(color.role),
        not of_depth & _INFRARED and not words_of(depth.frame_id) & _INFRARED - {"ir"},
        not of_color & (_DERIVED | _DEPTH_WORDS),
        not of_depth & _DERIVED,
        depth.role == "depth",
        # Whether one camera took them, and on one grid.
        not frames_differ,
        _nearness(color.topic, depth.topic),
        bool(of_depth & _REGISTERED) or _names_colors_grid(of_depth),
        color.size == depth.size and color.size is not None,
        _calibration_of(color, depth, cameras, None)[0] is not None,
        # What is left to taste: a named colour camera, more pictures, uncompressed ones; at last the order of names.
        bool(of_color & _COLOR_WORDS),
        min(color.count, depth.count),
        not color.encoding.endswith(" video"),
        "compressed" not in of_color,
        "compressed" not in of_depth and "compresseddepth" not in of_depth,
        "rect" not in of_color,
        tuple(-ord(letter) for letter in color.topic[:100]),
        tuple(-ord(letter) for letter in depth.topic[:100]),
    )


def _names_colors_grid(words: frozenset[str]) -> bool:
    """Whether a topic says that depth was moved to colour: `depth_to_rgb`, `aligned_depth_to_color`."""
    return "to" in words and bool(words & _COLOR_WORDS)


def _common_parts(first: str, second: str) -> int:
    """How many parts two topics share from their start."""
    count = 0
    for a, b in zip(first.strip("/").split("/"), second.strip("/").split("/"), strict=False):
        if a != b:
            break
        count += 1
    return count


def _nearness(first: str, second: str) -> int:
    """How near two topics are as a tree: 0 for siblings, less for every step apart."""
    a, b = (_parent(topic).split("/") if _parent(topic) else [] for topic in (first, second))
    return _common_parts("/".join(a), "/".join(b)) - max(len(a), len(b)) if a or b else 0


def _registration(color: PictureStream, depth: PictureStream, wanted: bool | None) -> tuple[bool, str]:
    if wanted is not None:
        return wanted, "as you said"
    if color.topic == depth.topic:
        return True, "it stands for colour itself"
    words = words_of(depth.topic)
    if words & _REGISTERED or _names_colors_grid(words):
        return True, "as its topic says"
    if color.frame_id and depth.frame_id:
        if color.frame_id != depth.frame_id:
            return False, f"its frame is {depth.frame_id!r:.60}, colour's is {color.frame_id!r:.60}"
        if color.size and depth.size and not _same_shape(color.size, depth.size):
            return False, "its pictures have another shape than colour's"
        return True, "it has colour's frame id"
    if color.size != depth.size:
        return False, "it has another size than colour"
    return True, "assumed, because it has colour's size and nothing says otherwise"


def _same_shape(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return abs(first[0] * second[1] - first[1] * second[0]) <= 0.01 * first[0] * second[1]


def _calibration_of(
    stream: PictureStream, other: PictureStream, cameras: Sequence[CameraStream], wanted: str | None
) -> tuple[CameraStream | None, str]:
    """The calibration of a stream, and a sentence if there are some but none that can be used."""
    if wanted:
        cameras = [c for c in cameras if c.topic.lstrip("/") == wanted.lstrip("/")]
        if not cameras:
            raise ConfigurationError(f"calibration={wanted}: there is no readable calibration on that topic")
    reasons, fits = [], []
    for one in cameras:
        problem = _unusable(one.camera) or ("" if wanted else _not_of(stream, other, one))
        if problem:
            reasons.append(f"{one.topic} {problem}")
        else:
            fits.append(one)
    if not fits:
        return None, f"No calibration can be used for {stream.topic}: {'; '.join(reasons[:6])}." if reasons else ""

    def fitness(one: CameraStream) -> tuple[object, ...]:
        return (
            bool(stream.frame_id) and one.camera.frame_id == stream.frame_id,
            _common_parts(one.topic, stream.topic),
            bool(words_of(one.topic) & words_of(stream.topic) & _COLOR_WORDS),
            (one.camera.width, one.camera.height) == stream.size,
            tuple(-ord(letter) for letter in one.topic[:100]),
        )

    return max(fits, key=fitness), ""


def _not_of(stream: PictureStream, other: PictureStream, one: CameraStream) -> str:
    """Why a calibration is not this stream's, "" if it may be."""
    camera = one.camera
    of_other = bool(other.frame_id) and camera.frame_id == other.frame_id and other.frame_id != stream.frame_id
    another = bool(stream.frame_id and camera.frame_id) and camera.frame_id != stream.frame_id
    if of_other or (another and _parent(one.topic) != _parent(stream.topic)):
        return f"is of the frame {camera.frame_id!r:.60}"
    if stream.frame_id != camera.frame_id or other.frame_id == stream.frame_id:
        # The frames do not tell: a calibration beside the other stream is the other's.
        mine, others = _common_parts(one.topic, stream.topic), _common_parts(one.topic, other.topic)
        if others > mine and others > _common_parts(stream.topic, other.topic):
            return f"lies beside {other.topic}"
        words = words_of(one.topic)
        depth_only = bool(words & _DEPTH_WORDS) and not words & _COLOR_WORDS
        if (depth_only or words & _INFRARED) and not words_of(stream.topic) & (_DEPTH_WORDS | _INFRARED):
            return "is of another camera by its name"
    size = (camera.width, camera.height)
    if not all(size) and stream.size and not (camera.k[2] < stream.size[0] and camera.k[5] < stream.size[1]):
        return f"has its principal point ({camera.k[2]:g}, {camera.k[5]:g}) outside of the picture"
    if all(size) and stream.size and not _same_shape(size, stream.size):
        return f"is for {size[0]}x{size[1]} pixels, which is another shape"
    return ""


def _parent(topic: str) -> str:
    """Where a camera's driver puts its topics: `/camera/color` of `/camera/color/image_raw/compressed`."""
    parts = topic.strip("/").split("/")
    while len(parts) > 1 and parts[-1] in ("compressed", "compressedDepth", "theora", "zstd"):
        parts.pop()
    return "/".join(parts[:-1])


def is_usable(camera: Camera) -> bool:
    """Whether the numbers of a calibration can be those of a camera."""
    return not _unusable(camera)


def _unusable(camera: Camera) -> str:
    """What is wrong with the numbers of a calibration, "" if nothing."""
    if len(camera.k) != 9:
        return "has no camera matrix"
    if not all(map(math.isfinite, camera.k)):
        return "has a camera matrix that is not finite"
    if not (camera.k[0] > 0 and camera.k[4] > 0):
        return "has a camera matrix of zeros (an uncalibrated camera)"
    return ""
