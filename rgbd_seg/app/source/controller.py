"""Opening and leaving sources, from the panel, the menu, a dialog or the command line; and what is remembered."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu

from rgbd_seg.app.source.device_finder import DeviceFinder
from rgbd_seg.app.source.names import facts, from_anywhere, recording_of, short_name
from rgbd_seg.app.source.picker import SourcePicker
from rgbd_seg.app.widgets.file_dialog import RECORDINGS, choose
from rgbd_seg.errors import RecordingError
from rgbd_seg.pipeline.status import State, StopReason
from rgbd_seg.recording import openable_inside
from rgbd_seg.recording.told import tell

if TYPE_CHECKING:
    from rgbd_seg.app.context import Context
    from rgbd_seg.app.source.panel import SourcePanel
    from rgbd_seg.app.source.welcome import Welcome
    from rgbd_seg.frame import RgbdFrame
    from rgbd_seg.pipeline.status import Status
    from rgbd_seg.sensors.sensor import Request, SensorInfo


class SourceController(QObject):
    """Knows what can be opened and what is."""

    changed = Signal()  # Another source is being opened, or none is.

    def __init__(self, context: Context, panel: SourcePanel, welcome: Welcome) -> None:
        super().__init__(context.widget)
        self._context, self._session, self._panel, self._welcome = context, context.session, panel, welcome
        self._devices: list[SensorInfo] = []
        self._camera_wanted = False  # The first camera that is found is to be opened.
        self._shown_state: State | None = None
        self.finder = DeviceFinder(self)
        self.finder.found.connect(self._found)
        self.menu = QMenu(context.widget)
        self.menu.aboutToShow.connect(self._fill_menu)
        panel.source_wanted.connect(self.open)
        panel.request_wanted.connect(self.reopen)
        panel.control_wanted.connect(self._session.set_control)
        panel.refresh_wanted.connect(self.finder.refresh)
        panel.file_wanted.connect(self.choose_file)
        panel.folder_wanted.connect(self.choose_folder)
        panel.close_wanted.connect(self.close)
        panel.geometry_panel.unit_wanted.connect(lambda unit_m: self._tell(depth_unit_m=unit_m))
        panel.geometry_panel.registered_wanted.connect(lambda on: self._tell(registered=on))
        welcome.source_wanted.connect(self.open)
        welcome.file_wanted.connect(self.choose_file)
        welcome.folder_wanted.connect(self.choose_folder)
        welcome.picker_wanted.connect(self.pick)
        panel.picker_wanted.connect(self.pick)
        welcome.camera_wanted.connect(self.open_first_camera)
        self.show_settings()

    # Commands

    def open(self, uri: str, request: Request | None = None) -> None:
        """Leaves the present source and opens another."""
        self._camera_wanted = False
        self._context.unsay("inside")
        self._context.unsay("cameras")
        uri = from_anywhere(uri)  # It is remembered, and the next start may be in another folder.
        self._session.open_source(uri, request)
        self._shown_state = None
        self.changed.emit()

    def reopen(self, request: Request | None = None) -> None:
        """Opens the same source again, perhaps in another mode."""
        uri = self._session.uri or self._context.settings.source
        if uri:
            self.open(uri, request or self._session.request)

    def close(self) -> None:
        self._session.close_source()
        self._context.remember(replace(self._context.settings, source=""))
        self._panel.show_source("", None, (), ())
        self.changed.emit()

    def open_first_camera(self) -> None:
        """Opens a camera as soon as one is found."""
        cameras = [device for device in self._devices if device.kind == "camera"]
        if cameras:
            self.open(cameras[0].uri)
        else:
            self._camera_wanted = True
            self.finder.refresh()

    def choose_file(self) -> None:
        choose(self._context.widget, "Open a recording", self.open, files=RECORDINGS, start=self._start_folder())

    def choose_folder(self) -> None:
        choose(self._context.widget, "Open a folder with frames", self.open, start=self._start_folder())

    def pick(self) -> None:
        """Asks for any source, with its options."""
        recent = self._context.settings.recent_sources
        picker = SourcePicker(
            self._session.uri, self._devices, recent, self._start_folder(), self._context.widget.window()
        )
        picker.source_wanted.connect(self.open)
        picker.show()

    def _start_folder(self) -> Path:
        folder = self._context.settings.recordings
        return folder if os.path.isdir(folder) else Path.home()

    def _tell(self, **told: float | bool) -> None:
        """Keeps what a person says of the recording's depth with it, and opens it again as said."""
        path, options = recording_of(self._session.uri)
        try:
            tell(path, **told)  # type: ignore[arg-type]
        except RecordingError as error:
            # Then it is remembered with the name of the source.
            options |= {key: str(value).lower() for key, value in told.items()}
            self._context.say("source told", f"{error}. It holds for this window and its recent sources only.")
        else:
            options = {key: value for key, value in options.items() if key not in told}
        query = "&".join(f"{key}={value}" for key, value in options.items())
        self.open(f"{path}?{query}" if query else str(path), self._session.request)

    # Values

    def show_frame(self, frame: RgbdFrame | None, status: Status) -> None:
        """Shows what is known of the newest frame's geometry; four times a second."""
        sensor = self._session.sensor
        recording = getattr(sensor, "recording", None)
        self._panel.geometry_panel.show_frame(
            frame if status.state is State.RUNNING else None,
            status.capture_fps,
            can_be_told=recording is not None and os.path.exists(recording.path),
            asked=sensor is not None and sensor.info.kind == "camera" and sensor.request.registered,
            notes=recording.notes if recording is not None else (),
        )

    def show_status(self, status: Status) -> None:
        """Adapts the panel when the source's state changes."""
        if status.state is self._shown_state:
            return
        self._shown_state = status.state
        info = self._session.info
        if info is not None and status.state is State.RUNNING:
            # Only now: what cannot be opened is not worth coming back to, at the next start least of all.
            self._context.remember(self._context.settings.with_recent_source(self._session.uri))
            self._panel.show_source(self._session.uri, info, self._session.modes(), self._session.controls())
            sensor = self._session.sensor
            if sensor is not None:
                self._panel.show_request(sensor.request)
            if getattr(sensor, "are_photographs", False):
                self._context.say(
                    "photographs",
                    "These pictures do not follow each other: → shows the next one, Space one a second.",
                    "info",
                )
            self._offer_cameras()
        elif status.state is not State.LOST:
            self._panel.show_source(self._session.uri, None, (), ())
            if status.stop_reason is StopReason.SENSOR_FAILED:
                self._offer_inside()

    def _offer_cameras(self) -> None:
        """Says which other cameras a recording has, with a button for the first of them."""
        self._context.unsay("cameras")
        recording = getattr(self._session.sensor, "recording", None)
        if recording is None or not recording.other_cameras:
            return
        names = ", ".join(name for name, _ in recording.other_cameras)
        name, options = recording.other_cameras[0]
        path = self._session.uri.partition("?")[0]
        uri = f"{path}?{urlencode(options)}"
        self._context.say(
            "cameras", f"This recording has other cameras: {names}.", "info", f"Show {name}", lambda: self.open(uri)
        )

    def _offer_inside(self) -> None:
        """Says what can be opened inside a folder that is no recording itself, with a button for the first of it."""
        folder = Path(self._session.uri.partition("?")[0])
        try:
            inside = openable_inside(folder)
        except (OSError, ValueError):
            return
        if inside:
            names = ", ".join(inside[:5])
            first = str(folder / inside[0])
            self._context.say(
                "inside", f"{folder.name} holds {names}.", "info", f"Open {inside[0]}", lambda: self.open(first)
            )

    def show_settings(self) -> None:
        recent = self._context.settings.recent_sources
        self._panel.show_recent(recent)
        self._welcome.show_recent([uri for uri in recent if not uri.startswith("synthetic:")])

    def _found(self, devices: list[SensorInfo], problems: dict[str, str]) -> None:
        self._devices = devices
        self._panel.show_devices(devices, problems)
        if self._camera_wanted:
            self._camera_wanted = False
            if any(device.kind == "camera" for device in devices):
                self.open_first_camera()
            else:
                self._context.say(
                    "sources",
                    "No camera was found. Plug one in and press F5. Doctor, under Help in the menu, says what "
                    "each kind of camera needs.",
                )

    def _fill_menu(self) -> None:
        menu = self.menu
        menu.clear()
        for device in self._devices:
            if device.kind == "camera":
                label = f"{device.name}  {facts(device)}".strip()
                menu.addAction(label).triggered.connect(lambda _checked, u=device.uri: self.open(u))
        menu.addAction("Synthetic room").triggered.connect(lambda: self.open("synthetic:"))
        recent = [uri for uri in self._context.settings.recent_sources if uri != "synthetic:"]
        if recent:
            menu.addSeparator()
            for uri in recent:
                action = menu.addAction(short_name(uri))
                action.setToolTip(uri)
                action.triggered.connect(lambda _checked, u=uri: self.open(u))
        menu.addSeparator()
        menu.addAction("Any source, with its options…").triggered.connect(self.pick)
        menu.addAction("Open a recording…").triggered.connect(self.choose_file)
        menu.addAction("Open a folder…").triggered.connect(self.choose_folder)
        menu.addAction("Look for cameras again").triggered.connect(self.finder.refresh)
