"""Frames out of messages of other programs: what was chosen, paired and assumed is said in the recording's info."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from rgbd_seg.calibration import Calibration, Intrinsics, Origin, register_depth
from rgbd_seg.errors import RecordingError
from rgbd_seg.frame import Prediction, Truth
from rgbd_seg.recording.mcap.format import noted_registered, noted_unit_m
from rgbd_seg.recording.messages.choice import PictureStream, cameras_of, choose, is_usable, nothing_found
from rgbd_seg.recording.messages.labels import label_topics, labels_at
from rgbd_seg.recording.messages.message import Camera, Picture, intrinsics_of
from rgbd_seg.recording.messages.options import MessageOptions
from rgbd_seg.recording.messages.pairing import pair_up
from rgbd_seg.recording.messages.stamps import stamps_of
from rgbd_seg.recording.messages.store import MessageStore, Topic
from rgbd_seg.recording.messages.survey import Survey, survey, video_of
from rgbd_seg.recording.messages.transforms import Pose, pose_between
from rgbd_seg.recording.messages.video import VideoTrack
from rgbd_seg.recording.pictures.depth_as_gray import gray_of_depth
from rgbd_seg.recording.pictures.loading import too_far_note
from rgbd_seg.recording.pictures.sidecar import Sidecar
from rgbd_seg.recording.reader import RecordingInfo, RecordingReader, StoredFrame

#: What 16-bit depth of ROS is by convention (REP 118), and what metres in floating point are stored in.
_MILLIMETRE = 0.001
# What the usual cameras roughly have, for files that say nothing.
_ASSUMED_FIELD_OF_VIEW_RAD = math.radians(60)
# Stamps before this are not of a clock that knows the date (2001).
_FIRST_DATE_NS = 1_000_000_000 * 10**9
_MOST_CALIBRATIONS = 100


class MessageReader(RecordingReader):
    """Random access to frames whose colour and depth are messages in a store. Used from one thread."""

    def __init__(
        self, store: MessageStore, layout: str, options: MessageOptions | None = None, sidecar: Sidecar | None = None
    ) -> None:
        """Chooses the streams and pairs their pictures. Takes the store over and closes it in the end.

        Args:
            store: The messages.
            layout: Name of the layout, such as "rosbag2".
            options: What a user said.
            sidecar: What is noted beside the messages, in a folder of ROS.

        Raises:
            RecordingError: There are no frames of colour and depth in it; the message says what there is.
            ConfigurationError: An option names what is not there.
        """
        self._store = store
        self._options = options or MessageOptions()
        self._sidecar = sidecar or Sidecar()
        if self._sidecar.registered is not None and self._options.wanted.registered is None:
            wanted = replace(self._options.wanted, registered=self._sidecar.registered)
            self._options = replace(self._options, wanted=wanted)
        try:
            self._open(layout)
        except BaseException:
            store.close()
            raise

    def _open(self, layout: str) -> None:
        store, found = self._store, survey(self._store)
        wanted = self._options.wanted
        choice = choose(found.pictures, found.cameras, wanted, depth_alone=not found.unknown)
        if choice is None:
            raise nothing_found(store.path, found.pictures, found.unknown, found.others)
        self._choice = choice
        self._vendor = found.vendor
        self._color, self._depth = found.topics[choice.color.topic], found.topics[choice.depth.topic]
        self._camera = found.topics[choice.calibration.topic] if choice.calibration else None
        noted = noted_registered(self._depth.channel.metadata)
        if noted is not None and wanted.registered is None:
            self._choice = choice = replace(choice, registered=noted, registered_by="as its channel says")
        self._notes = [*choice.notes, *(found.vendor.notes if found.vendor else ())]
        self._video = self._video_of_color()
        self._calibrations: dict[object, Calibration] = {}
        self._labels, said = label_topics(found.topics)
        self._notes += said
        self._move = self._way_to_color(found)
        self._pair()
        self._info = self._describe(layout, found)

    @property
    def start_ns(self) -> int | None:
        """When the first frame was recorded, nanoseconds since 1970; None if no clock in the file knows the date."""
        return self._start_ns

    @property
    def epoch_offset_ns(self) -> int | None:
        """Frames have no clock of a computer, but nanoseconds since the first."""
        return self._start_ns

    @property
    def streams(self) -> tuple[tuple[str, str, int], ...]:
        """Topic, kind of message and number of messages of every channel in the file."""
        tables = self._store.tables
        return tuple(
            (channel.topic, channel.schema or channel.encoding, len(tables.get(number, ())))
            for number, channel in sorted(self._store.channels.items())
        )

    def close(self) -> None:
        self._store.close()

    def decode(self, position: int) -> StoredFrame:
        color_row, depth_row = self._pairs.color_rows[position], self._pairs.depth_rows[position]
        counts = self._counts(self._picture(self._depth, depth_row).depth())
        if self._choice.color.topic == self._choice.depth.topic:
            color = gray_of_depth(counts, self._unit_m)
        elif self._video is not None:
            color = self._video.color(int(color_row))
        else:
            color = self._picture(self._color, color_row).color()
        height, width = color.shape[:2]
        calibration = self._calibration(width, height, color_row)
        if self._move is not None:
            size = (counts.shape[1], counts.shape[0])
            camera, (rotation, shift) = self._move
            depth_camera, _ = intrinsics_of(camera, *size, rectified=_is_rectified(self._choice.depth))
            unit = calibration.depth_unit_m
            counts = register_depth(counts, depth_camera, calibration.color, unit, rotation, shift)
        elif counts.shape != (height, width):
            counts = cv2.resize(counts, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.uint16, copy=False)
        logged_ns = int(self._depth.places[depth_row, 0])
        labels = labels_at(self._store, self._labels, logged_ns, (height, width)) if self._labels else None
        return StoredFrame(
            color=color,
            depth=counts,
            calibration=calibration,
            truth=labels if isinstance(labels, Truth) else None,
            prediction=labels if isinstance(labels, Prediction) else None,
            index=position,
            time_us=int(self._times_us[position]),
            device_us=None if self._pairs.device_ns is None else int(self._pairs.device_ns[position]) // 1000,
            host_ns=int(self._pairs.taken_ns[position] - self._pairs.taken_ns[0]),
        )

    def _video_of_color(self) -> VideoTrack | None:
        """The decoder of colour that is video; pictures before the first whole one are left out."""
        if not self._choice.color.encoding.endswith(" video"):
            return None
        video = video_of(self._store, self._color)
        if not video.first:
            return video
        self._notes.append(
            f"The video on {self._choice.color.topic} begins in the middle: its first {video.first} pictures need "
            "others that are not there, and are left out."
        )
        self._color = replace(self._color, places=self._color.places[video.first :])
        return video_of(self._store, self._color)

    def _picture(self, topic: Topic, row: int) -> Picture:
        place = topic.places[row]
        found = topic.channel.read(self._store.message(int(place[3]), place[:3]))
        if not isinstance(found, Picture):
            raise RecordingError("a message is no picture")
        return found

    def _counts(self, depth: NDArray[np.uint16] | NDArray[np.float32]) -> NDArray[np.uint16]:
        """Counts of the recording's unit; what is no distance becomes a hole."""
        if depth.dtype == np.uint16:
            counts = depth.astype(np.uint16, copy=False)
            invalid = self._options.invalid_depth
            return np.where(counts == invalid, 0, counts).astype(np.uint16, copy=False) if invalid else counts
        millimetres = np.nan_to_num(depth * np.float32((self._options.depth_unit_m or 1.0) / _MILLIMETRE), nan=0.0)
        in_range = (millimetres > 0) & (millimetres < 65535.5)
        return np.where(in_range, np.maximum(np.round(millimetres), 1), 0).astype(np.uint16)

    def _are_metres(self) -> list[str]:
        """A sentence where the first picture of floating-point depth is too far away for metres."""
        try:
            depth = self._picture(self._depth, int(self._pairs.depth_rows[0])).depth()
        except RecordingError:
            return []
        return too_far_note(depth)

    @property
    def _is_float(self) -> bool:
        return "32fc1" in self._choice.depth.encoding.lower() or "64fc1" in self._choice.depth.encoding.lower()

    @property
    def _noted_unit_m(self) -> float | None:
        """Metres per count as the file says it, or what lies beside it."""
        noted = noted_unit_m(self._depth.channel.metadata)  # A recording of ours that a tool has taken apart.
        return self._sidecar.depth_unit_m or noted or (self._vendor.depth_unit_m if self._vendor else None)

    @property
    def _unit_m(self) -> float:
        """Metres per count of the frames."""
        return _MILLIMETRE if self._is_float else self._options.depth_unit_m or self._noted_unit_m or _MILLIMETRE

    # Geometry.

    def _calibration(self, width: int, height: int, color_row: int) -> Calibration:
        """One object for each camera, so that whoever compares by identity sees a steady one."""
        camera = self._camera_of(color_row, width, height)
        key = (width, height, camera and (camera.width, camera.height, camera.k, camera.d, camera.p, camera.model))
        if key not in self._calibrations:
            given, noted, unit = self._options.depth_unit_m, self._noted_unit_m, self._unit_m
            told: Origin = "file" if self._is_float or noted else "assumed"
            unit_origin: Origin = "user" if given else self._sidecar.origin("depth_unit_m") if noted else told
            color, origin = self._intrinsics(camera, width, height)
            registered = self._choice.registered or self._move is not None
            assumed = self._choice.registered_by.startswith("assumed")
            by: Origin = "user" if self._options.wanted.registered is not None else "assumed" if assumed else "file"
            if len(self._calibrations) >= _MOST_CALIBRATIONS:  # A zoom may go on and on.
                self._calibrations.clear()
            self._calibrations[key] = Calibration(color, unit, registered, origin, unit_origin, by)
        return self._calibrations[key]

    def _intrinsics(self, camera: Camera | None, width: int, height: int) -> tuple[Intrinsics, Origin]:
        choice = self._choice
        if choice.calibration is not None and camera is not None:
            try:
                color, note = intrinsics_of(camera, width, height, rectified=_is_rectified(choice.color))
            except RecordingError as error:
                note = f"{choice.calibration.topic}: {error}"
            else:
                if note and note not in self._notes:
                    self._notes.append(note)
                return color, "file"
            self._notes.append(note)
        vertical = 2 * math.atan(math.tan(_ASSUMED_FIELD_OF_VIEW_RAD / 2) * height / width)
        return Intrinsics.from_field_of_view(width, height, _ASSUMED_FIELD_OF_VIEW_RAD, vertical), "assumed"

    def _camera_of(self, color_row: int, width: int, height: int) -> Camera | None:
        """The calibration that was sent nearest to a picture: a camera may zoom or change its size on the way.

        None where the file has none. One for another size counts where none of this size is near.
        """
        choice = self._choice
        if choice.calibration is None or self._camera is None:
            return None
        first, near = choice.calibration.camera, None
        if len(self._camera.places) < 2:
            return first
        places, time_ns = self._camera.places, int(self._color.places[color_row, 0])
        at = int(np.searchsorted(places[:, 0], time_ns))
        for row in sorted(range(max(0, at - 3), min(len(places), at + 3)), key=lambda r: abs(places[r, 0] - time_ns)):
            try:
                found = self._camera.channel.read(self._store.message(int(places[row, 3]), places[row, :3]))
            except RecordingError:
                continue
            if not isinstance(found, Camera) or not is_usable(found):
                continue
            if self._vendor is not None:  # Its own messages name the lens; these do not.
                found = replace(found, model=first.model)
            if (found.width, found.height) == (width, height):
                return found
            if near is None and (found.width, found.height) == (first.width, first.height):
                near = found
        return near or first

    def _way_to_color(self, found: Survey) -> tuple[Camera, Pose] | None:
        """How unregistered depth is moved to colour, if the file has both cameras and where they are."""
        choice = self._choice
        cameras_known = choice.calibration is not None and choice.depth_calibration is not None
        if choice.registered or self._options.wanted.registered is False or not cameras_known:
            return None
        assert choice.depth_calibration is not None
        pose = pose_between(found.transforms, choice.depth.frame_id, choice.color.frame_id)
        return None if pose is None else (choice.depth_calibration.camera, pose)

    # Time.

    def _pair(self) -> None:
        color_log, depth_log = self._color.places[:, 0], self._depth.places[:, 0]
        pairs = pair_up(color_log, depth_log, self._stamps(self._color), self._stamps(self._depth))
        if pairs is None:
            raise RecordingError(
                f"{self._store.path} has no colour and depth pictures that were taken at the same time"
            )
        self._pairs = pairs
        if self._choice.color.topic != self._choice.depth.topic:
            self._notes += pairs.notes
        self._times_us: NDArray[np.int64] = (pairs.taken_ns - pairs.taken_ns[0]) // 1000
        self._times_us.flags.writeable = False
        first = int(pairs.taken_ns[0])
        dates = (first, int(depth_log[pairs.depth_rows[0]]))
        self._start_ns = next((date for date in dates if date > _FIRST_DATE_NS), None)

    def _stamps(self, topic: Topic) -> NDArray[np.int64] | None:
        """When the pictures of a topic were taken by their own account; None if they do not say."""
        if self._vendor is not None and topic.channel.topic in self._vendor.stamps:
            return self._vendor.stamps[topic.channel.topic]
        stamps, note = stamps_of(self._store, topic)
        if note:
            self._notes.append(note)
        return stamps

    # What people are told.

    def _describe(self, layout: str, found: Survey) -> RecordingInfo:
        choice, path = self._choice, self._store.path
        if choice.color.size:
            self._calibration(*choice.color.size, int(self._pairs.color_rows[0]))
        others = [str(s) for s in found.pictures if s.topic not in (choice.color.topic, choice.depth.topic)]
        stamps = "the times of recording" if self._pairs.device_ns is None else "the pictures' own times"
        details = {
            "colour stream": str(choice.color),
            "depth stream": str(choice.depth),
            "calibration": choice.calibration.topic if choice.calibration else "none: 60 degrees across are assumed",
            "depth unit": self._unit_note(),
            "registration": self._registration_note(),
            "pairs": f"by {stamps}, at most {self._pairs.farthest_ms:.1f} ms apart",
        }
        if self._vendor is not None:
            details |= self._vendor.details
        details |= self._sidecar.details
        if others:
            details["other pictures"] = ", ".join(others[:12])
        notes = list(self._notes)
        if not choice.calibration:
            notes.append("The file has no calibration for its colour: a field of view of 60 degrees is assumed.")
        if not choice.registered and self._move is None:
            size, differs = choice.color.size, choice.color.size != choice.depth.size
            stretched = f", and is stretched over colour's {size[0]}x{size[1]}" if size and differs else ""
            notes.append(f"Depth is not registered to colour ({choice.registered_by}){stretched}.")
        elif choice.registered and choice.registered_by.startswith("assumed"):
            notes.append(f"Depth is taken to be registered to colour ({choice.registered_by}).")
        if self._is_float and self._options.depth_unit_m is None:
            notes += self._are_metres()
        if "assumed" in details["depth unit"]:
            notes.append(f"The depth unit is {details['depth unit']}.")
        pairs = cameras_of(found.pictures, found.cameras)
        rivals = [(c, d) for c, d in pairs if c.topic != choice.color.topic and c.role == "color"][:6]
        if rivals:
            names = ", ".join(f"{c.topic} with {d.topic}" for c, d in rivals)
            notes.append(f"There are other colour pictures: {names}; choose with ?color=TOPIC&depth=TOPIC.")
        return RecordingInfo(
            path=path,
            layout=layout,
            name=self._sidecar.name
            or details.get("camera")
            or (path.name if path.is_dir() else path.stem)
            or str(path),
            label_set=self._labels[0].label_set if self._labels else None,
            truth_origin=next((one.provenance.origin for one in self._labels if one.provenance.origin), None),
            predictions=tuple(str(maker) for one in self._labels for maker in one.provenance.made_by),
            details=details,
            warnings=self._store.warnings,
            notes=tuple(notes),
            other_cameras=tuple((c.topic, {"color": c.topic, "depth": d.topic}) for c, d in rivals),
        )

    def _unit_note(self) -> str:
        given = self._options.depth_unit_m
        if self._is_float:
            return "metres" if given is None else f"{given:g} m a number, as you said"
        if given is not None:
            return f"{given * 1000:g} mm a count, as you said"
        if self._noted_unit_m:
            was_assumed = self._sidecar.depth_unit_m and self._sidecar.origin("depth_unit_m") == "assumed"
            by = "assumed when it was exported (?depth_unit_m= sets it)" if was_assumed else "as the file says"
            return f"{self._noted_unit_m * 1000:g} mm a count, {by}"
        encoding = self._choice.depth.encoding.split(";")[0]
        return f"assumed: millimetres, as ROS has it for {encoding} (?depth_unit_m= sets it)"

    def _registration_note(self) -> str:
        if self._move is not None:
            return "by calibration: the file has both cameras and where they are"
        return f"{'registered' if self._choice.registered else 'not registered'}: {self._choice.registered_by}"


def _is_rectified(stream: PictureStream) -> bool:
    """Whether a topic says that the lens distortion has been removed, as `image_rect_color` does."""
    return "rect" in stream.topic.rsplit("/", 1)[-1].lower() or "/image_rect" in stream.topic.lower()
