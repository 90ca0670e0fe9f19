"""The panel of sources: what can be opened, and what can be set on the one that is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rgbd_seg.app.source.control_form import ControlForm
from rgbd_seg.app.source.geometry_panel import GeometryPanel
from rgbd_seg.app.source.names import facts, picture_of, short_name
from rgbd_seg.app.widgets.icons import dress, icon
from rgbd_seg.app.widgets.theme import Theme
from rgbd_seg.sensors.sensor import Control, Request, SensorInfo, StreamMode

_URI = Qt.ItemDataRole.UserRole


class SourcePanel(QWidget):
    """Lists sources; emits which is wanted and how."""

    source_wanted = Signal(str)
    request_wanted = Signal(Request)
    control_wanted = Signal(str, object)
    refresh_wanted = Signal()
    file_wanted = Signal()
    folder_wanted = Signal()
    picker_wanted = Signal()
    close_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._devices: Sequence[SensorInfo] = ()
        self._problems: Mapping[str, str] = {}
        self._recent: Sequence[str] = ()
        self._open_uri = ""
        self._modes: tuple[StreamMode, ...] = ()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(self._make_buttons())
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setAccessibleName("Sources")
        self.tree.setTextElideMode(Qt.TextElideMode.ElideLeft)  # Folders differ at their ends.
        self.tree.setRootIsDecorated(False)
        self.tree.setIndentation(10)
        self.tree.setExpandsOnDoubleClick(False)
        self.tree.itemClicked.connect(self._clicked)
        self.tree.itemActivated.connect(self._clicked)
        layout.addWidget(self.tree, 2)
        self._about = QLabel()
        self._about.setWordWrap(True)
        self._about.setObjectName("quiet")
        self._about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._mode = QComboBox()
        self._mode.setAccessibleName("Picture size and rate")
        self._mode.setToolTip("Picture size and rate; only what this camera offers")
        self._mode.activated.connect(self._request)
        self._aligned = QCheckBox("Align depth to colour")
        self._aligned.setToolTip("Without alignment a depth pixel is only near its colour pixel")
        self._aligned.setChecked(True)
        self._aligned.clicked.connect(self._request)
        self.geometry_panel = GeometryPanel()
        self.geometry_panel.hide()
        self.controls = ControlForm()
        self.controls.control_wanted.connect(self.control_wanted)
        self._settings = QScrollArea()
        self._settings.setWidgetResizable(True)
        self._settings.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self._about, self.geometry_panel, self._mode, self._aligned, self.controls):
            column.addWidget(widget)
        column.addStretch(1)
        self._settings.setWidget(inner)
        layout.addWidget(self._settings, 2)
        self._settings.hide()

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        for name, tip, signal in (
            ("file", "Open a recording…  Ctrl+O", self.file_wanted),
            ("folder", "Open a folder…  Ctrl+Shift+O", self.folder_wanted),
            ("sliders", "Any source, with its options…  Ctrl+U", self.picker_wanted),
            ("refresh", "Look for cameras again  F5", self.refresh_wanted),
        ):
            button = QToolButton()
            dress(button, name, "text", self._theme)
            button.setToolTip(tip)
            button.clicked.connect(signal)
            row.addWidget(button)
        row.addStretch(1)
        self._close = QToolButton()
        dress(self._close, "eject", "quiet", self._theme)
        self._close.setToolTip("Close the source")
        self._close.clicked.connect(self.close_wanted)
        row.addWidget(self._close)
        return row

    # Values in

    def show_devices(self, devices: Sequence[SensorInfo], problems: Mapping[str, str]) -> None:
        self._devices, self._problems = devices, problems
        self._fill()

    def show_recent(self, uris: Sequence[str]) -> None:
        if tuple(uris) != tuple(self._recent):
            self._recent = tuple(uris)
            self._fill()

    def show_source(
        self, uri: str, info: SensorInfo | None, modes: tuple[StreamMode, ...], controls: tuple[Control, ...]
    ) -> None:
        """Shows the open source with what can be set on it; None for no source."""
        if uri != self._open_uri:
            self._open_uri = uri
            self._fill()
        self._close.setVisible(bool(uri))
        self._settings.setVisible(info is not None)
        if info is None:
            return
        self._about.setText(f"{info.name}\n{facts(info)}".strip())
        if modes != self._modes or self._mode.count() == 0:
            self._modes = modes
            self._mode.clear()
            self._mode.addItem("Default size")
            self._mode.addItems([str(mode) for mode in modes])
        self._mode.setVisible(bool(modes))
        self._aligned.setVisible(info.kind == "camera")
        self.controls.show_controls(controls)

    def show_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._fill()

    def show_request(self, request: Request) -> None:
        """Shows how the source was opened."""
        self._aligned.setChecked(request.registered)
        self._mode.setCurrentIndex(self._modes.index(request.mode) + 1 if request.mode in self._modes else 0)

    def _fill(self) -> None:
        self.tree.clear()
        cameras = self._section("Cameras")
        for device in self._devices:
            if device.kind == "camera":
                item = self._entry(cameras, "camera", device.name, device.uri)
                if about := facts(device):
                    item.setText(0, f"{device.name}\n{about}")
        if not cameras.childCount():
            empty = QTreeWidgetItem(cameras, ["none is plugged in"])
            empty.setDisabled(True)
            empty.setToolTip(0, "\n".join(f"{driver}: {problem}" for driver, problem in self._problems.items()))
        rooms = self._section("Without a camera")
        self._entry(rooms, "room", "Synthetic room", "synthetic:")
        recent_uris = [uri for uri in self._recent if uri != "synthetic:"]  # That one is above.
        if recent_uris:
            recent = self._section("Recent")
            for uri in recent_uris:
                self._entry(recent, picture_of(uri), short_name(uri), uri)

    def _section(self, name: str) -> QTreeWidgetItem:
        item = QTreeWidgetItem(self.tree, [name])
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        item.setForeground(0, self.palette().placeholderText())
        item.setExpanded(True)
        return item

    def _entry(self, section: QTreeWidgetItem, picture: str, name: str, uri: str) -> QTreeWidgetItem:
        item = QTreeWidgetItem(section, [name])
        item.setIcon(0, icon(picture, self._theme.accent if uri == self._open_uri else self._theme.quiet))
        item.setData(0, _URI, uri)
        item.setToolTip(0, uri)
        if uri == self._open_uri:
            font = item.font(0)
            font.setBold(True)
            item.setFont(0, font)
        return item

    # Hands

    def _clicked(self, item: QTreeWidgetItem) -> None:
        uri = item.data(0, _URI)
        if uri:
            self.source_wanted.emit(uri)

    def _request(self) -> None:
        position = self._mode.currentIndex()
        mode = self._modes[position - 1] if 0 < position <= len(self._modes) else None
        self.request_wanted.emit(Request(mode, self._aligned.isChecked()))
