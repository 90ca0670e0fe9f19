"""Label mode: opens and leaves it, turns hands into strokes, keeps everything saved; what takes long runs beside."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QColorDialog

from rgbd_seg.app.labelling.page import LabelPage
from rgbd_seg.app.labelling.tasks import BACKGROUND, HOVER, SAVE, Tasks
from rgbd_seg.app.labelling.tools import TOOLS
from rgbd_seg.app.source.names import recording_of
from rgbd_seg.app.view.viewport import Viewport
from rgbd_seg.errors import RgbdSegError
from rgbd_seg.labelling import tools as take
from rgbd_seg.labelling.data_set import DataSet, data_set_folder
from rgbd_seg.labelling.doubt import Glimpse, glimpse, suggest
from rgbd_seg.labelling.frames import Frames, FrozenFrames, RecordedFrames
from rgbd_seg.labelling.journey import journeys
from rgbd_seg.labelling.regions import Regions, find_regions
from rgbd_seg.labelling.session import LabellingSession

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from rgbd_seg.app.view.image_view import Pixel
    from rgbd_seg.app.window import MainWindow
    from rgbd_seg.frame import RgbdFrame, Segmentation
    from rgbd_seg.labels import LabelSet
    from rgbd_seg.recording.layouts.frame_states import FrameState

_FROZEN_FOLDER = "camera labels"
_KEPT_REGIONS = 8
_THUMB = (112, 84)
# So many frames are looked at by the model before one of them is proposed.
_ASKED_OF_MODEL = 24
_OPACITIES = (0.15, 0.3, 0.45, 0.6, 0.8, 1.0)


class LabellingController(QObject):
    """Owns the page, the session and the thread of label mode while it is on."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.page: LabelPage | None = None
        self.session: LabellingSession | None = None
        self.active = False
        self._tasks: Tasks | None = None
        self._data: DataSet | None = None
        self._frames: Frames | None = None
        self._regions: dict[str, Regions] = {}
        self._states: dict[str, FrameState] = {}
        self._hints: dict[str, str] = {}
        self._glimpses: dict[str, Glimpse] = {}
        self._unsaved: dict[str, tuple[RgbdFrame, NDArray[np.uint8], FrameState]] = {}
        self._tool = TOOLS[0]
        self._sizes = {tool.name: 5 if tool.name == "region" else 3 for tool in TOOLS}
        self._opacity = 2
        self._points: list[Pixel] = []
        self._modifiers = Qt.KeyboardModifier.NoModifier
        self._strokes = 0
        self._seen: Segmentation | None = None
        self._draft_wanted = False
        self._to_ask: list[int] = []
        self._traveling: Iterator[tuple[int, int]] | None = None
        self._docks: list[str] = []

    # On and off

    def toggle(self) -> None:
        """Label mode, or out of it."""
        if self.active:
            self.leave()
        else:
            self.enter()

    def enter(self) -> None:
        """Opens the data set of the recording, or takes the moment of a camera that is on screen."""
        window = self._window
        playback, shown = window.session.playback, window.presenter.segmentation
        if playback is None and shown is None:
            window.say("labelling", "There is nothing to label yet: open a recording, a folder or a camera first.")
            return
        page = self._make_page()
        self.active = True
        if self._tasks is None:
            self._tasks = Tasks(window.bridge.post, self._failed)
        window.banners.clear("labelling")
        window.stage.setCurrentWidget(page)
        window.replay_bar.hide()
        self._docks = [name for name, dock in window.docks.items() if not dock.isHidden()]
        for name in self._docks:
            window.docks[name].hide()
        page.canvas.setFocus()
        page.about.setText("Opening…")
        if playback is not None:
            playback.pause()
            path, options = recording_of(window.session.uri)
            self._tasks.do(
                "open the labels", lambda: _open(path, options), partial(self._opened, max(0, playback.position))
            )
        elif shown is not None:
            root = window.settings.recordings / _FROZEN_FOLDER
            name = time.strftime("%Y%m%d-%H%M%S")
            frozen = self._frames if isinstance(self._frames, FrozenFrames) else FrozenFrames()
            position = frozen.add(shown.frame, name)
            self._tasks.do("open the labels", lambda: (DataSet(root), frozen), partial(self._opened, position))

    def leave(self) -> None:
        """Back to the views; everything is saved."""
        if not self.active:
            return
        window = self._window
        self.active = False
        self._stop_travel()
        self._to_ask, self._draft_wanted = [], False
        for name in self._docks:
            window.docks[name].show()
        window.replay_bar.setVisible(window.session.playback is not None)
        window.stage.setCurrentWidget(window.grid)
        window.middle.setFocus()
        window.refresh()

    def close(self, timeout_s: float) -> None:
        """Saves what waits to be saved, and ends the thread."""
        self._stop_travel()
        if self._tasks is not None:
            self._tasks.close(timeout_s)
            self._tasks = None
        if self._frames is not None:
            self._frames.close()
            self._frames = None

    def _make_page(self) -> LabelPage:
        if self.page is not None:
            return self.page
        page = self.page = LabelPage()
        self._window.stage.addWidget(page)
        page.tool_wanted.connect(self.take_tool)
        page.class_wanted.connect(self.choose_class)
        page.class_typed.connect(self.type_class)
        page.rename_wanted.connect(lambda label, name: self._change_class(label, name=name))
        page.color_wanted.connect(self._ask_color)
        page.merge_wanted.connect(self.merge_classes)
        page.frame_wanted.connect(self.open_row)
        page.action_wanted.connect(self._act)
        canvas = page.canvas
        canvas.pressed.connect(self._press)
        canvas.moved.connect(self._move)
        canvas.released.connect(self._release)
        canvas.hovered.connect(self._hover)
        canvas.grain_wanted.connect(self._resize_tool)
        canvas.viewport_wanted.connect(canvas.show_viewport)
        return page

    def _opened(self, position: int, found: tuple[DataSet, Frames]) -> None:
        if self.page is None:
            return
        data, frames = found
        same = self._data is not None and self._data.root == data.root and self.session is not None
        if self._frames is not None and self._frames is not frames:
            self._frames.close()
        self._data, self._frames = data, frames
        offered = [frames.names[i] for i in frames.offered]
        self._states = dict(data.states)
        if not same or self.session is None:
            self.session = LabellingSession(offered, data.label_set)
            self._regions, self._glimpses, self._hints = {}, {}, {}
        self.session.names = offered
        self.session.label_set = data.label_set
        self.page.show_strip(offered)
        self._show_states()
        self.page.show_classes(data.label_set, self.session.active)
        self.take_tool(self._tool.name)
        self._tell()
        self.open_row(min(round(position / frames.stride), len(offered) - 1))
        self._look_on(0)

    # Frames

    def open_row(self, row: int) -> None:
        """Goes to a frame of the strip."""
        data, frames, session, tasks = self._data, self._frames, self.session, self._tasks
        if data is None or frames is None or session is None or tasks is None or not 0 <= row < len(session.names):
            return
        position = frames.offered[row]
        name = frames.names[position]

        def work() -> tuple[str, RgbdFrame, Any, str]:
            frame = frames.read(position)
            try:
                return name, frame, data.read(name, frame.depth.shape), ""
            except RgbdSegError as error:  # The frame can be labelled anew.
                return name, frame, None, str(error)

        self._points = []
        tasks.do("open the frame", work, partial(self._frame_opened, row))
        playback = self._window.session.playback
        if playback is not None:
            playback.seek_frame(position)  # So that the model looks at it too.

    def _frame_opened(self, row: int, found: tuple[str, RgbdFrame, Any, str]) -> None:
        session, page, data = self.session, self.page, self._data
        if session is None or page is None or data is None:
            return
        name, frame, labels, problem = found
        if name in self._unsaved:  # What could not be written yet is newer than what lies on the disk.
            labels, problem = self._unsaved[name][1], ""
        session.open(name, frame, labels, self._states.get(name))
        self._adopt_classes(data.label_set)
        page.canvas.show_frame(frame)
        page.canvas.show_shape("", ())
        page.show_row(row)
        self._show_labels()
        if problem:
            self._window.say("labelling", problem)
        self._tell()
        self._find_regions()

    def _find_regions(self) -> None:
        session = self.session
        if session is None or session.frame is None or session.name in self._regions or self._tasks is None:
            return
        name, frame = session.name, session.frame

        def arrived(regions: Regions) -> None:
            self._regions[name] = regions
            for old in list(self._regions)[:-_KEPT_REGIONS]:
                del self._regions[old]

        self._tasks.do("find the regions", lambda: _with_surfaces(find_regions(frame)), arrived)

    def _look_on(self, row: int) -> None:
        """Makes the small pictures of the strip, one after the other, when there is nothing else to do."""
        frames, page, tasks = self._frames, self.page, self._tasks
        if frames is None or page is None or tasks is None or row >= len(frames.offered):
            return
        position = frames.offered[row]

        def work() -> tuple[Glimpse, NDArray[np.uint8]] | None:
            try:
                frame = frames.read(position)
            except RgbdSegError:
                return None
            return glimpse(frame), np.asarray(cv2.resize(frame.color, _THUMB, interpolation=cv2.INTER_AREA), np.uint8)

        def arrived(found: tuple[Glimpse, NDArray[np.uint8]] | None) -> None:
            if frames is not self._frames:
                return
            if found is not None:
                self._glimpses.setdefault(frames.names[position], found[0])
                width, height = _THUMB
                image = QImage(found[1].data, width, height, 3 * width, QImage.Format.Format_RGB888)
                page.show_thumbnail(row, image.copy())
            self._look_on(row + 1)

        tasks.do("look at the frames", work, arrived, BACKGROUND)

    # Tools

    def take_tool(self, name: str) -> None:
        """Takes another tool."""
        self._tool = next(tool for tool in TOOLS if tool.name == name)
        self._points = []
        if self.page is not None:
            self.page.canvas.show_shape("", ())
            self.page.canvas.show_outline(None)
            self.page.canvas.show_brush(None, 0)
            self.page.show_tool(name, self._size_text())

    @property
    def _size(self) -> int:
        return self._tool.sizes[self._sizes[self._tool.name]] if self._tool.sizes else 0

    def _size_text(self) -> str:
        if not self._tool.sizes:
            return ""
        return f"{self._size} regions" if self._tool.name == "region" else f"{2 * self._size + 1} pixels wide"

    def _resize_tool(self, steps: int) -> None:
        name = self._tool.name
        self._sizes[name] = min(max(self._sizes[name] + steps, 0), len(self._tool.sizes) - 1)
        if self.page is not None:
            self.page.show_tool(name, self._size_text())
            self._hover(self._last_pixel)

    _last_pixel: Pixel | None = None

    def _hover(self, pixel: Pixel | None) -> None:
        self._last_pixel = pixel
        session, page, tasks = self.session, self.page, self._tasks
        if session is None or page is None or tasks is None or session.frame is None:
            return
        name = self._tool.name
        if name in ("brush", "eraser"):
            page.canvas.show_brush(pixel, self._size)
            return
        regions = self._regions.get(session.name)
        if pixel is None or regions is None or name not in ("region", "plane", "cluster", "fill"):
            tasks.cancel("see what a click takes")
            page.canvas.show_outline(None)
            return
        labels, size, frame_is, color = session.labels, self._size, session.name, self._color()

        def work() -> list[NDArray[np.int32]]:
            mask = _clicked(name, regions, labels, [pixel], size, free=False)
            found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
            return [np.asarray(one, np.int32) for one in found]

        def arrived(contours: list[NDArray[np.int32]]) -> None:
            if self._last_pixel is not None and frame_is == (self.session.name if self.session else ""):
                page.canvas.show_outline(contours, color)

        tasks.do("see what a click takes", work, arrived, HOVER)

    def _color(self) -> QColor:
        session = self.session
        if session is None or self._tool.name == "eraser":
            return QColor("white")
        return QColor(*session.label_set.classes[session.active - 1].color)

    def _press(self, pixel: Pixel, modifiers: Qt.KeyboardModifier) -> None:
        self._modifiers = modifiers
        if self._tool.hands == "corners":
            first = self._points[0] if self._points else None
            if (
                first is not None
                and len(self._points) >= 3
                and max(abs(first[0] - pixel[0]), abs(first[1] - pixel[1])) < 5
            ):
                self._close_polygon()
                return
            self._points.append(pixel)
            self._show_shape("polygon")
            return
        self._points = [pixel]
        if self._tool.hands == "box":
            self._points.append(pixel)
        self._show_shape()

    def _move(self, pixel: Pixel) -> None:
        if self._tool.hands == "stroke":
            self._points.append(pixel)
        elif self._tool.hands == "box" and self._points:
            self._points[-1] = pixel
        self._show_shape()
        if self._tool.name in ("brush", "eraser") and self.page is not None:
            self.page.canvas.show_brush(pixel, self._size)

    def _show_shape(self, kind: str = "") -> None:
        if self.page is not None and self._points:
            radius = 0 if self._tool.name == "region" else self._size
            self.page.canvas.show_outline(None, self._color())
            self.page.canvas.show_shape(kind or self._tool.hands, self._points, radius)

    def _release(self) -> None:
        if self._tool.hands != "corners" and self._points:
            self._stroke()

    def _close_polygon(self) -> None:
        if len(self._points) >= 3:
            self._stroke()
        else:
            self._points = []

    def _stroke(self) -> None:
        """Computes what the hands took, beside the window, and paints it."""
        session, tasks, page = self.session, self._tasks, self.page
        points, self._points = self._points, []
        if session is None or tasks is None or session.frame is None or page is None:
            return
        frame, name, labels, size, tool = session.frame, session.name, session.labels, self._size, self._tool.name
        free = bool(self._modifiers & Qt.KeyboardModifier.AltModifier)
        over = not self._modifiers & Qt.KeyboardModifier.ShiftModifier
        label = 0 if tool == "eraser" else session.active
        known = self._regions.get(name)

        def work() -> NDArray[np.bool_]:
            if tool == "eraser" or (tool == "brush" and free):
                return take.brush_area(labels.shape, points, size)
            if tool == "polygon":
                return take.polygon(labels.shape, points)
            if tool == "rectangle":
                return take.rectangle(labels.shape, points[0], points[-1])
            if tool == "cut_out":
                return take.cut_out(frame, points[0], points[-1])
            return _clicked(tool, known or find_regions(frame), labels, points, size, free=free)

        def arrived(mask: NDArray[np.bool_]) -> None:
            page.canvas.show_shape("", ())
            if self.session is session and session.name == name and session.paint(mask, label, over_labels=over):
                self._painted()

        self._strokes += 1  # Each stroke is work of its own kind: none is forgotten for the next.
        tasks.do(f"paint stroke {self._strokes}", work, arrived)

    def _painted(self) -> None:
        self._show_labels()
        self._save()

    # Saving

    def _save(self) -> None:
        session = self.session
        if session is None or session.frame is None or session.state is None:
            return
        self._unsaved[session.name] = (session.frame, session.labels, session.state)
        self._states[session.name] = session.state
        self._show_states()
        self._write(session.name)

    def _write(self, name: str) -> None:
        data, session = self._data, self.session
        if data is None or session is None or self._tasks is None:
            return
        frame, labels, state = self._unsaved[name]
        label_set = session.label_set

        def work() -> None:
            if data.label_set != label_set:
                data.set_classes(label_set)
            data.save(name, frame, labels, state)

        def saved(_: None) -> None:
            if name in self._unsaved and self._unsaved[name][1] is labels:
                del self._unsaved[name]
            self._tell()
            if self._unsaved and not self._window.session.busy:
                again = next(iter(self._unsaved))
                if again != name:
                    self._write(again)
            elif not self._unsaved:
                self._window.banners.clear("labelling save")

        self._tasks.do("save", work, saved, SAVE)

    def _failed(self, kind: str, why: str) -> None:
        if kind == "save":
            text = f"{why}. What you painted stays here, and the next stroke saves it all."
            self._window.say("labelling save", text, "error")
            return
        self._window.say("labelling", why, "error")
        if kind == "open the labels":
            self.leave()
        if kind == "travel":
            self._traveling = None

    def _tell(self) -> None:
        """Shows what the data set has found out, once."""
        if self._data is not None and self._data.messages:
            messages, self._data.messages = self._data.messages, []
            self._window.say("labelling", ". ".join(messages))

    # Classes

    def choose_class(self, label: int) -> None:
        """Paints another class from now on."""
        session, page = self.session, self.page
        if session is not None and page is not None and 1 <= label <= len(session.label_set):
            session.active = label
            page.show_classes(session.label_set, label)
            self._hover(self._last_pixel)

    def type_class(self, text: str) -> None:
        """Goes to the class of that name, the only one that begins so, or a new one."""
        session = self.session
        if session is None:
            return
        begins = [i for i, name in enumerate(session.label_set.names, 1) if name.lower().startswith(text.lower())]
        exact = [i for i in begins if session.label_set.name_of(i).lower() == text.lower()]
        try:
            label = exact[0] if exact else begins[0] if len(begins) == 1 and len(text) < 3 else session.add_class(text)
        except RgbdSegError as error:
            self._window.say("labelling", str(error))
            return
        self._save_classes()
        self.choose_class(label)

    def _change_class(self, label: int, **changes: Any) -> None:
        session = self.session
        if session is None:
            return
        try:
            session.change_class(label, **changes)
        except RgbdSegError as error:
            self._window.say("labelling", str(error))
            return
        self._save_classes()
        self._show_labels()
        self.choose_class(session.active)

    def _ask_color(self, label: int) -> None:
        session = self.session
        if session is None:
            return
        name = session.label_set.name_of(label)
        found = QColorDialog.getColor(
            QColor(*session.label_set.classes[label - 1].color), self.page, f"Colour of {name}"
        )
        if found.isValid():
            self._change_class(label, color=(found.red(), found.green(), found.blue()))

    def merge_classes(self, label: int, into: int) -> None:
        """Makes one class of two in all frames."""
        session, data, tasks = self.session, self._data, self._tasks
        if session is None or data is None or tasks is None:
            return
        before = session.label_set
        label_set, moved = session.merged(label, into)

        def work() -> None:
            if data.label_set != before:
                data.set_classes(before)
            data.set_classes(label_set, moved)

        def merged(_: None) -> None:
            session.adopt_classes(label_set, moved)
            self._show_labels()
            self.choose_class(session.active)
            text = f"“{before.name_of(label)}” is “{before.name_of(into)}” now. The labels as they were are in backup/."
            self._window.say("labelling", text, "info")

        tasks.do("save", work, merged, SAVE)

    def _save_classes(self) -> None:
        data, session = self._data, self.session
        if data is None or session is None or self._tasks is None:
            return
        label_set = session.label_set
        if self._states:  # A set without any labels is written with its first stroke.
            self._tasks.do("save", lambda: data.set_classes(label_set), lambda _: self._tell(), SAVE)

    def _adopt_classes(self, label_set: LabelSet) -> None:
        """Takes classes that were given back to a set that had lost them."""
        session = self.session
        if session is not None and len(label_set) > len(session.label_set):
            session.adopt_classes(label_set)
            self.choose_class(session.active)

    # What buttons and keys want

    def _act(self, action: str) -> None:
        session, page = self.session, self.page
        if action == "leave":
            self.leave()
        if session is None or page is None:
            return
        row = session.names.index(session.name) if session.name in session.names else 0
        if action in ("before", "after"):
            self.open_row(row + (1 if action == "after" else -1))
        elif action == "done":
            if self._points:
                self._close_polygon()
                return
            if session.labels.any():
                session.state = "done"
                self._save()
            self.open_row(row + 1)
        elif action == "skip":
            self._skip()
            self.open_row(row + 1)
        elif action in ("undo", "redo"):
            if session.undo() if action == "undo" else session.redo():
                self._painted()
        elif action == "draft":
            self._draft()
        elif action == "travel":
            self._travel()
        elif action == "next":
            self._propose()
        elif action == "teach" and self._data is not None:
            self._window.training.ask(str(self._data.root))
        elif action == "escape":
            if self._points:
                self._points = []
                page.canvas.show_shape("", ())
            else:
                self.leave()
        elif action == "find":
            page.search.setFocus()
            page.search.selectAll()
        elif action == "unfind":
            page.search.clear()
            page.canvas.setFocus()
        elif action in ("fainter", "stronger"):
            step = 1 if action == "stronger" else -1
            self._opacity = min(max(self._opacity + step, 0), len(_OPACITIES) - 1)
            self._show_labels()
        elif action == "whole":
            page.canvas.show_viewport(Viewport())

    def _skip(self) -> None:
        data, session = self._data, self.session
        if data is None or session is None or self._tasks is None or not session.name:
            return
        name = session.name
        session.state = self._states[name] = "skipped"
        self._tasks.do("save", lambda: data.set_state(name, "skipped"), lambda _: self._tell(), SAVE)
        self._show_states()

    # Draft, travel, and the frame that teaches most

    def offer(self, segmentation: Segmentation) -> None:
        """Takes what the model has seen in the frame that the replay stands at."""
        if not self.active:
            return
        self._seen = segmentation
        session = self.session
        if session is None or session.frame is None or segmentation.labels is None:
            return
        if self._draft_wanted and _same(segmentation.frame, session.frame):
            self._draft()
        if self._to_ask and self._frames is not None and self._tasks is not None:
            position = self._to_ask.pop(0)
            name = self._frames.names[position]
            frame, confidence = segmentation.frame, segmentation.confidence
            self._tasks.do(
                f"look at {name}", lambda: glimpse(frame, confidence), partial(self._glimpses.__setitem__, name), HOVER
            )
            self._ask_model()

    def _draft(self) -> None:
        session, seen = self.session, self._seen
        if session is None or session.frame is None:
            return
        if self._window.session.status().model.info is None:
            self._window.say("labelling", "No model is loaded: leave label mode with E and load one with M.")
            return
        if seen is None or seen.labels is None or not _same(seen.frame, session.frame):
            self._draft_wanted = True
            self._window.say("labelling", "The model is looking at this frame…", "info")
            return
        self._draft_wanted = False
        if session.draft(seen):
            self._painted()
            if self.page is not None:
                self.page.show_classes(session.label_set, session.active)
        else:
            self._window.say("labelling", "The model is sure of nothing that is not painted already.", "info")

    def _travel(self) -> None:
        if self._traveling is not None:
            self._stop_travel()
            return
        if self._data is None or self._frames is None:
            return
        if "done" not in self._states.values():
            self._window.say("labelling", "Labels travel from done frames, and none is done yet: paint one first.")
            return
        self._traveling = journeys(self._data, self._frames)
        self._travel_on((0, 0))

    def _travel_on(self, so_far: tuple[int, int] | None) -> None:
        journey, tasks, data = self._traveling, self._tasks, self._data
        if journey is None or tasks is None or data is None:
            return
        self._states = {**dict(data.states), **{name: one[2] for name, one in self._unsaved.items()}}
        self._show_states()
        if so_far is None:
            self._traveling = None
            count = sum(state == "travelled" for state in self._states.values())
            self._window.say("labelling", f"Labels have travelled: {count} frames have some now.", "info")
            if self.session is not None and self._states.get(self.session.name) == "travelled":
                self.open_row(self.session.names.index(self.session.name))
            return
        steps, arrived = so_far
        self._window.status_line.show_notice(f"Labels travel: {steps} steps, {arrived} frames so far (T stops)", 5000)
        tasks.do("travel", lambda: next(journey, None), self._travel_on, BACKGROUND)

    def _stop_travel(self) -> None:
        self._traveling = None
        if self._tasks is not None:
            self._tasks.cancel("travel")

    def _propose(self) -> None:
        """Goes to the frame that teaches most; a loaded model looks at some frames first."""
        frames, playback = self._frames, self._window.session.playback
        if frames is None:
            return
        has_model = self._window.session.status().model.info is not None
        if has_model and playback is not None and not self._to_ask:
            open_rows = [p for p in frames.offered if self._states.get(frames.names[p]) in (None, "travelled", "draft")]
            unknown = [p for p in open_rows if getattr(self._glimpses.get(frames.names[p]), "doubtful", None) is None]
            picks = np.unique(np.linspace(0, len(unknown) - 1, min(len(unknown), _ASKED_OF_MODEL)).astype(int))
            self._to_ask = [unknown[i] for i in picks] if unknown else []
        self._ask_model()

    def _ask_model(self) -> None:
        playback = self._window.session.playback
        if self._to_ask and playback is not None:
            self._window.status_line.show_notice(f"The model looks at {len(self._to_ask)} more frames…", 3000)
            playback.seek_frame(self._to_ask[0])
            return
        session = self.session
        if session is None or self._tasks is None:
            return
        self._tasks.do("choose a frame", lambda: None, lambda _: self._show_proposals())  # After the last glimpse.

    def _show_proposals(self) -> None:
        session = self.session
        if session is None:
            return
        known = {name: one for name, one in self._glimpses.items() if name in session.names}
        closed = [name for name, state in self._states.items() if state in ("done", "skipped")]
        found = suggest(known, closed, 5)
        self._hints = {one.name: one.reason for one in found}
        self._show_states()
        if not found:
            self._window.say("labelling", "Every frame that was looked at is done or skipped.", "info")
            return
        self.open_row(session.names.index(found[0].name))
        self._window.say("labelling", f"Next: {found[0].name}, because {found[0].reason}.", "info")

    # Showing

    def _show_labels(self) -> None:
        session, page = self.session, self.page
        if session is not None and page is not None and session.frame is not None:
            page.canvas.show_labels(session.labels, session.label_set, _OPACITIES[self._opacity])

    def _show_states(self) -> None:
        session, page = self.session, self.page
        if session is None or page is None:
            return
        page.show_states(session.names, self._states, self._hints)
        counts = [f"{sum(s == state for s in self._states.values())} {state}" for state in ("done", "travelled")]
        page.about.setText(
            f"{session.name}  {session.state or 'empty'}   ·   {', '.join(counts)} of {len(session.names)}"
        )


def _open(path: Path, options: dict[str, str]) -> tuple[DataSet, Frames]:
    data_set = DataSet(data_set_folder(path))
    return data_set, RecordedFrames(path, options, data_set)


def _with_surfaces(regions: Regions) -> Regions:
    """Finds the surfaces now, beside the window, and not at the first click."""
    _ = regions.surfaces
    return regions


def _same(one: RgbdFrame, other: RgbdFrame) -> bool:
    return one.color.shape == other.color.shape and bool(np.array_equal(one.color, other.color))


def _clicked(
    tool: str, regions: Regions, labels: NDArray[np.uint8], points: list[Pixel], size: int, *, free: bool
) -> NDArray[np.bool_]:
    """What a tool that works on regions takes."""
    if tool == "region":
        return take.region(regions, points, size)
    if tool == "brush":
        return take.brush(regions, points, size)
    if tool == "fill":
        return take.fill(labels, regions, points[0], free=free)
    if tool == "plane":
        return take.plane(regions, points[0])
    return take.cluster(regions, points[0])
