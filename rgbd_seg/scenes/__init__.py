"""Procedural indoor rooms: layout, furniture, rendering and sensor noise.

    room = build_room(seed=7, room="kitchen")
    walk = walk_through(room)
    with RoomRenderer(640, 480, camera="xtion") as renderer:
        view = renderer.render(room, walk.pose(time_s=2.0), index=60)

For training, `TrainingViews` gives random views of endless rooms, reproducible by (seed, index). Everything that needs
OpenGL starts on first use, in the process and thread that uses it.
"""

from rgbd_seg.scenes.cameras import CAMERA_NAMES, camera_named
from rgbd_seg.scenes.furnishing import ROOM_KINDS, RoomKind
from rgbd_seg.scenes.lighting import Lighting, calm_lighting, wild_lighting
from rgbd_seg.scenes.path import Walk, walk_through
from rgbd_seg.scenes.pose import Pose
from rgbd_seg.scenes.renderer import RoomRenderer, View
from rgbd_seg.scenes.room import LABEL_SET, Room, Thing, build_room
from rgbd_seg.scenes.training_views import TrainingViews

__all__ = [
    "CAMERA_NAMES",
    "LABEL_SET",
    "ROOM_KINDS",
    "Lighting",
    "Pose",
    "Room",
    "RoomKind",
    "RoomRenderer",
    "Thing",
    "TrainingViews",
    "View",
    "Walk",
    "build_room",
    "calm_lighting",
    "camera_named",
    "walk_through",
    "wild_lighting",
]
