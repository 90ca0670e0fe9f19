"""Label mode: opens and leaves it, goes from frame to frame, and hands out what keys and buttons want."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QDockWidget, QMainWindow, QStackedWidget, QWidget

from rgbd_seg.app.context import Context
from rgbd_seg.app.labelling.classes import LabelClasses
from rgbd_seg.app.labelling.cloud import LabelCloud
from rgbd_seg.app.labelling.desk import Desk, Unsaved
from rgbd_seg.app.labelling.guide import Guide
from rgbd_seg.app.labelling.hands import Hands
from rgbd_seg.app.labelling.importer import IMPORTING, READING, Importer
from rgbd_seg.app.labelling.page import LabelPage
from rgbd_seg.app.labelling.tasks import BACKGROUND, Tasks
from rgbd_seg.app.source.geometry import UNREGISTERED
from rgbd_seg.app.source.names import recording_of
from rgbd_seg.app.view.viewport import Viewport
from rgbd_seg.errors import RgbdSegError
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.labelling.data_set import DataSet, data_set_folder
from rgbd_seg.labelling.doubt import Glimpse, glimpse
from rgbd_seg.labelling.frames import Frames, FrozenFrames, RecordedFrames
from rgbd_seg.labelling.regions import Regions, find_regions
from rgbd_seg.labelling.session import LabellingSession
from rgbd_seg.sensors import open_any_recording

_REGISTER = "If it is, leave label mode with E, and tick that in the source panel."
_FROZEN_FOLDER = "camera labels"
_KEPT_REGIONS = 8
_THUMB = (112, 84)

_Opened = tuple[str, "RgbdFrame", "NDArray[np.uint8] | None", str]
_Looked = tuple[Glimpse, "NDArray[np.uint8]", str]


class LabellingController(QObject):
    """Owns the page and the thread of label mode, and the desk while a data set is open."""

    changed = Signal(bool)  # Whether it is on.

    def __init__(
        self,
        context: Context,
        stage: QStackedWidget,
        views: QWidget,
        bar: QWidget,
        docks: Mapping[str, QDockWidget],
        train: Callable[[str], None],
    ) -> None:
        """Label mode is off.

        Args:
            context: The window.
            stage: Gets the page of label mode.
            views: The page of the stage that is there otherwise.
            bar: Of the replay; hidden in label mode.
            docks: All panels; hidden in label mode.
            train: Asks how to train on what was labelled.
        """
        super().__init__(context.widget)
        self._context, self._stage, self._views, self._bar, self._docks = context, stage, views, bar, docks
        self._train = train
        self.active = False
        self.page: LabelPage | None = None
        self.desk: Desk | None = None
        self._tasks: Tasks | None = None
        self._guide: Guide | None = None
        self._hands: Hands | None = None
        self._classes: LabelClasses | None = None
        self._importer: Importer | None = None
        self._frozen = FrozenFrames()
        self._unsaved: dict[Path, Unsaved] = {}
        self._put_away: dict[QDockWidget, QSize] = {}  # With the sizes that they had.

    @property
    def folder(self) -> str:
        """The data set that is open, "" outside label mode."""
        return str(self.desk.data.root) if self.active and self.desk is not None else ""

    @property
    def unsaved(self) -> int:
        """How many frames have labels that could not be written, in whatever data sets."""
        desk = self.desk
        on_the_way = desk.data.root if desk is not None and not desk.save_failed else None
        return sum(len(one.frames) for root, one in self._unsaved.items() if root != on_the_way)

    # On and off

    def toggle(self) -> None:
        """Label mode, or out of it."""
        if self.active:
            self.leave()
        else:
            self.enter()

    def enter(self) -> None:
        """Opens the data set of the recording, or takes the moment of a camera that is on screen."""
        context = self._context
        playback, shown = context.session.playback, context.presenter.frame
        if playback is None and shown is None:
            context.say("labelling", "There is nothing to label yet: open a recording, a folder or a camera first.")
            return
        self.active = True
        self.changed.emit(True)
        page = self._fresh_page()
        if self._tasks is None:
            self._tasks = Tasks(context.post, self._failed)
        context.unsay("labelling")
        self._bar.hide()
        self._put_away = {dock: dock.size() for dock in self._docks.values() if not dock.isHidden()}
        for dock in self._put_away:
            dock.hide()
        page.about.setText("Opening…")
        if playback is not None:
            playback.pause()
            path, options = recording_of(context.session.uri)
            opened = partial(self._opened, page, max(0, playback.position))
            self._tasks.do("open the labels", lambda: _open(path, options), opened)
        elif shown is not None:
            root = context.settings.recordings / _FROZEN_FOLDER
            position = self._frozen.add(shown, time.strftime("%Y%m%d-%H%M%S"))
            frozen = self._frozen
            self._tasks.do("open the labels", lambda: (DataSet(root), frozen), partial(self._opened, page, position))

    def leave(self) -> None:
        """Back to the views; everything is saved, or said not to be."""
        if not self.active:
            return
        self.active = False
        self.changed.emit(False)
        for key in ("label file", "label depth"):
            self._context.unsay(key)
        if self._guide is not None:
            self._guide.stop()
        if self.desk is not None and self.desk.cloud is not None:
            self.desk.cloud.close()
        self._bring_back_docks()
        self._bar.setVisible(self._context.session.playback is not None)
        self._stage.setCurrentWidget(self._views)
        middle = self._stage.parentWidget()
        if middle is not None:
            middle.setFocus()
        self._context.wake()

    def _bring_back_docks(self) -> None:
        docks = {dock: size for dock, size in self._put_away.items() if dock.isHidden()}
        for dock in docks:
            dock.show()
        window = self._context.widget.window()
        if isinstance(window, QMainWindow):  # Qt divides their places anew.
            window.resizeDocks(list(docks), [size.width() for size in docks.values()], Qt.Orientation.Horizontal)
            window.resizeDocks(list(docks), [size.height() for size in docks.values()], Qt.Orientation.Vertical)

    def close(self, timeout_s: float) -> None:
        """Saves what waits to be saved, and ends the thread."""
        if self._guide is not None:
            self._guide.stop()
        if self._tasks is not None:
            self._tasks.close(timeout_s)
            self._tasks = None
        if self.desk is not None and self.desk.cloud is not None:
            self.desk.cloud.wait(timeout_s)
        if self.desk is not None:
            self.desk.frames.close()

    def _fresh_page(self) -> LabelPage:
        stage = self._stage
        if self.page is not None:
            stage.removeWidget(self.page)
            self.page.deleteLater()
        page = self.page = LabelPage()
        page.frame_wanted.connect(self.open_row)
        page.action_wanted.connect(self.act)
        page.canvas.viewport_wanted.connect(page.canvas.show_viewport)
        stage.addWidget(page)
        stage.setCurrentWidget(page)
        page.canvas.setFocus()
        return page

    def _opened(self, page: LabelPage, position: int, found: tuple[DataSet, Frames]) -> None:
        data, frames = found
        if page is not self.page or self._tasks is None:
            frames.close()
            return
        before = self.desk
        if before is not None and before.frames is not frames:
            before.frames.close()
        unsaved = self._unsaved.setdefault(data.root, Unsaved())  # What could not be written is not forgotten.
        label_set = (unsaved.classes if unsaved.frames else None) or data.label_set
        session = LabellingSession([frames.names[i] for i in frames.offered], label_set)
        desk = self.desk = Desk(page, self._tasks, data, frames, session, self._context.say, unsaved)
        if before is not None and before.data.root == data.root:
            desk.glimpses, desk.doubter, desk.ranking = before.glimpses, before.doubter, before.ranking
        self._hands, self._classes = Hands(desk), LabelClasses(desk)
        page.class_wanted.connect(lambda _label: self._hands.refresh() if self._hands else None)
        self._guide = Guide(desk, self._context.session, self.open_row, lambda: self._context.settings.strip_by_doubt)
        self._importer = Importer(desk, self.open_row)
        page.show_strip(session.names)
        desk.sort(by_doubt=self._context.settings.strip_by_doubt)
        desk.show_states()
        desk.show_classes()
        desk.tell()
        self._hands.take_tool("region")
        self.open_row(min(round(position / frames.stride), len(session.names) - 1))
        self._look_on(desk, 0)
        desk.go_on_saving()

    # Frames

    def open_row(self, row: int) -> None:
        """Goes to a frame of the strip."""
        desk = self.desk
        if desk is None or not 0 <= row < len(desk.session.names):
            return
        desk.wanted_row = row
        position, data, frames = desk.frames.offered[row], desk.data, desk.frames
        name = frames.names[position]

        def work() -> _Opened:
            frame = frames.read(position)
            try:
                return name, frame, data.read(name, frame.depth.shape), ""
            except RgbdSegError as error:  # The frame can be labelled anew.
                return name, frame, None, str(error)

        desk.tasks.do("open the frame", work, partial(self._frame_opened, desk, row))
        playback = self._context.session.playback
        if playback is not None:
            playback.seek_frame(position)  # So that the model looks at it too.

    def _frame_opened(self, desk: Desk, row: int, found: _Opened) -> None:
        if desk is not self.desk or self._hands is None:
            return
        name, frame, labels, problem = found
        if name in desk.unsaved.frames:  # What could not be written yet is newer than what lies on the disk.
            labels, problem = desk.unsaved.frames[name][1], ""
        desk.session.open(name, frame, labels, desk.states.get(name))
        desk.adopt_classes(desk.data.label_set)
        desk.page.canvas.show_frame(frame)
        self._hands.drop()
        desk.row = row
        desk.page.show_row(row)
        desk.show_labels()
        desk.show_damage(name, problem)
        desk.show_states()
        desk.tell()
        if not frame.calibration.registered and not desk.told_flat:
            desk.told_flat = True
            desk.say("label depth", f"{UNREGISTERED.capitalize()}: tools go by colour alone. {_REGISTER}")
        if problem:
            desk.say("label file", problem)
        else:
            self._context.unsay("label file")
        if name not in desk.regions:
            desk.tasks.do("find the regions", lambda: _whole(find_regions(frame)), partial(self._keep, desk, name))

    def _keep(self, desk: Desk, name: str, regions: Regions) -> None:
        desk.regions[name] = regions
        for old in list(desk.regions)[:-_KEPT_REGIONS]:
            del desk.regions[old]
        if self._hands is not None:
            self._hands.refresh()

    def _look_on(self, desk: Desk, row: int) -> None:
        """Makes the small pictures of the strip, one after the other, when there is nothing else to do."""
        frames = desk.frames
        if desk is not self.desk or row >= len(frames.offered):
            return
        position, data = frames.offered[row], desk.data
        name = frames.names[position]

        def work() -> _Looked | None:
            try:
                frame = frames.read(position)
            except RgbdSegError:
                return None
            small = np.asarray(cv2.resize(frame.color, _THUMB, interpolation=cv2.INTER_AREA), np.uint8)
            return glimpse(frame), small, data.damage(name, frame.depth.shape)

        def arrived(found: _Looked | None) -> None:
            if desk is self.desk and found is not None:
                look, small, damage = found
                desk.glimpses.setdefault(name, look)
                width, height = _THUMB
                image = QImage(small.data, width, height, 3 * width, QImage.Format.Format_RGB888)
                desk.page.show_thumbnail(row, image.copy())
                desk.show_damage(name, damage)
            self._look_on(desk, row + 1)

        desk.tasks.do("look at the frames", work, arrived, BACKGROUND)

    def offer(self, segmentation: Segmentation) -> None:
        """Takes what the model has seen in the frame that the replay stands at."""
        if self.active and self._guide is not None:
            self._guide.offer(segmentation)

    # What buttons and keys want

    def act(self, action: str, _checked: bool = False) -> None:
        """Does what a button or key of label mode means; the words are those of `LabelPage.action_wanted`."""
        if action == "leave":
            self.leave()
        desk, guide, hands = self.desk, self._guide, self._hands
        if desk is None or guide is None or hands is None or not self.active:
            return
        session, page = desk.session, desk.page
        if action in ("before", "after"):
            # From where one is on the way to: keys come faster than frames.
            self.open_row(desk.beside(desk.wanted_row, 1 if action == "after" else -1))
        elif action == "done":
            if hands.close_polygon():
                return
            if session.labels.any():
                session.state = "done"
                desk.save()
            self.open_row(desk.beside(desk.row, 1))
        elif action == "skip" and session.name:
            session.state = "skipped"
            desk.save_state(session.name, "skipped")
            self.open_row(desk.beside(desk.row, 1))
        elif action in ("undo", "redo"):
            if session.undo() if action == "undo" else session.redo():
                desk.painted()
        elif action == "draft":
            guide.draft()
        elif action == "travel":
            guide.travel()
        elif action == "next":
            guide.propose()
        elif action in ("order", "in time", "by doubt"):
            by_doubt = not page.by_doubt if action == "order" else action == "by doubt"
            self._context.remember(replace(self._context.settings, strip_by_doubt=by_doubt))
            if by_doubt and not desk.ranking:
                guide.propose()
            else:
                desk.sort(by_doubt=by_doubt)
        elif action == "import" and self._importer is not None:
            self._importer.ask()
        elif action == "teach":
            self._train(self.folder)
        elif action == "escape":
            if not hands.drop():
                self.leave()
        elif action == "find":
            page.search.setFocus()
            page.search.selectAll()
        elif action == "unfind":
            page.search.clear()
            page.canvas.setFocus()
        elif action in ("fainter", "stronger"):
            desk.change_opacity(1 if action == "stronger" else -1)
        elif action == "cloud":
            if desk.cloud is None:
                desk.cloud = LabelCloud(desk, hands, self._context.post)
            else:
                desk.cloud.toggle()
        elif action == "whole":
            page.canvas.show_viewport(Viewport())

    def _failed(self, kind: str, why: str) -> None:
        if kind == "save" and self.desk is not None:
            self.desk.say_unsaved(why)
            return
        if kind in (READING, IMPORTING) and self._importer is not None:
            self._importer.failed(why)
            return
        self._context.say("labelling", why, "error")
        if kind == "open the labels":
            self.leave()
        elif kind == "open the frame" and self.desk is not None:
            self.desk.wanted_row = self.desk.row
        elif kind == "travel" and self._guide is not None:
            self._guide.forget_journey()


def _open(path: Path, options: dict[str, str]) -> tuple[DataSet, Frames]:
    data_set = DataSet(data_set_folder(path))
    return data_set, RecordedFrames(open_any_recording(path, **options), data_set)


def _whole(regions: Regions) -> Regions:
    """Finds the surfaces now, beside the window, and not at the first click."""
    _ = regions.surfaces
    return regions
