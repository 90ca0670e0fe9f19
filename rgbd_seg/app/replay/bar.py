"""The bar under the views while a recording is open: timeline, play, step, speed, loop, and the range for exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from rgbd_seg.app.replay.timeline import Timeline
from rgbd_seg.app.widgets.icons import dress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PySide6.QtGui import QResizeEvent

    from rgbd_seg.app.widgets.theme import Theme
    from rgbd_seg.sensors.playback import Playback

Range = tuple[int | None, int | None]  # First and last frame.
_FILE_PX = 120  # Room for the name of a frame's file, where frames are files.
_SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_SPACING_PX = 2


def time_text(seconds: float) -> str:
    """Minutes, seconds and milliseconds: 0:12.433."""
    minutes, rest = divmod(max(seconds, 0.0), 60)
    return f"{int(minutes)}:{rest:06.3f}"


class ReplayBar(QWidget):
    """Works on a `Playback`, whose members may be used from any thread and never wait."""

    range_changed = Signal(object, object)  # What was picked for export by hand, and what is now.

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._playback: Playback | None = None
        self._file_of: Callable[[int], Path | None] | None = None
        self._shown_paused: bool | None = None
        self.setAutoFillBackground(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 2)
        column.setSpacing(0)
        self.timeline = Timeline(theme)
        self.timeline.seek_wanted.connect(self.seek)
        column.addWidget(self.timeline)
        row = QHBoxLayout()
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(_SPACING_PX)
        column.addLayout(row)
        first = self._button(row, "first", "First frame  Home", lambda: self.seek(0))
        self._button(row, "step-back", "One frame back  ←", lambda: self.step(-1))
        self.play = self._button(row, "pause", "Pause or play  Space", self.toggle)
        self._button(row, "step-forward", "One frame on  →", lambda: self.step(1))
        self._time, self._frame = QLabel(), QLabel()
        metrics = QFontMetrics(self.font())
        for label, widest in ((self._time, "00:00.000"), (self._frame, "frame 00000/00000")):
            label.setFixedWidth(metrics.horizontalAdvance(widest) + 16)
            row.addWidget(label)
        self._time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._frame.setContentsMargins(8, 0, 0, 0)
        self._file = QLabel()
        self._file.setObjectName("quiet")
        self._file.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self._file, 1)
        range_start = self._button(row, "range-start", "Export from here  I", self.mark_start)
        range_end = self._button(row, "range-end", "Export up to here  O", self.mark_end)
        self.speed = QComboBox()
        self.speed.setToolTip("Speed")
        self.speed.addItems([f"{speed:g}x" for speed in _SPEEDS])
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speed.activated.connect(self._set_speed)
        row.addWidget(self.speed)
        self.every = QComboBox()
        self.every.addItems(["Real time", "Every frame"])
        self.every.setToolTip("Real time leaves out frames that come too late; every frame waits for the model")
        self.every.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.every.activated.connect(self._set_every)
        row.addWidget(self.every)
        self.loop = self._button(row, "loop", "Start again at the end  Ctrl+L", self._set_loop)
        self.loop.setCheckable(True)
        self.range: Range = (None, None)
        # In a small window the bar would be wider than its place: it leaves out what has keys, the first of these last.
        self._dispensable = (self._frame, self.speed, self.loop, first, self.every, range_end, range_start)
        self._least_px = self.sizeHint().width() - sum(_place_px(widget) for widget in self._dispensable)
        self.setMinimumWidth(self._least_px)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shows everything where there is room for it."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        room_px = self.width() - self._least_px
        if self._file_of is not None and self._file_of(0) is not None:
            room_px -= _FILE_PX
        for widget in self._dispensable:
            room_px -= _place_px(widget)
            widget.setVisible(room_px >= 0)

    def _button(self, row: QHBoxLayout, name: str, tip: str, run: Callable[[], None]) -> QToolButton:
        button = QToolButton()
        dress(button, name, "text", self._theme, "accent")
        button.setIconSize(QSize(20, 20))
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda _checked: run())
        row.addWidget(button)
        return button

    def show_playback(self, playback: Playback | None, file_of: Callable[[int], Path | None] | None = None) -> None:
        """Takes another recording, or none.

        Args:
            playback: Its controls.
            file_of: The file of a frame by its position, where frames are files of their own.
        """
        if playback is self._playback:
            return
        self._playback, self._file_of = playback, file_of
        self.setVisible(playback is not None)
        if playback is None:
            return
        self._make_room()
        self.show_range((None, None))
        self.timeline.show_recording(playback.length, playback.gaps)
        self.refresh()

    def refresh(self) -> None:
        """Shows where the replay is now."""
        playback = self._playback
        if playback is None:
            return
        position = max(playback.position, 0)
        self.timeline.show_position(position)
        self._time.setText(time_text(playback.time_s))
        self._frame.setText(f"frame {position + 1}/{playback.length}")
        file = self._file_of(position) if self._file_of is not None else None
        name = f"{file.parent.name}/{file.name}" if file else ""
        self._file.setText(self._file.fontMetrics().elidedText(name, Qt.TextElideMode.ElideLeft, self._file.width()))
        self._file.setToolTip(str(file or ""))
        if playback.paused != self._shown_paused:
            self._shown_paused = playback.paused
            dress(self.play, "play" if playback.paused else "pause", "text", self._theme)
        nearest = min(range(len(_SPEEDS)), key=lambda i: abs(_SPEEDS[i] - playback.speed))
        for widget in (self.speed, self.every, self.loop):
            widget.blockSignals(True)
        self.speed.setCurrentIndex(nearest)
        self.every.setCurrentIndex(int(playback.every_frame))
        self.loop.setChecked(playback.loop)
        for widget in (self.speed, self.every, self.loop):
            widget.blockSignals(False)

    def show_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.timeline.show_theme(theme)

    # What keys do as well

    def toggle(self) -> None:
        """Pauses or plays; at the end, plays from the start."""
        if self._playback is not None:
            if self._playback.paused:
                self._playback.resume()
            else:
                self._playback.pause()
            self.refresh()

    def step(self, frames: int) -> None:
        """Pauses and goes on or back."""
        if self._playback is not None:
            self._playback.step(frames)
            self.refresh()

    def change_speed(self, steps: int) -> None:
        """The next faster or slower speed of the list."""
        wanted = self.speed.currentIndex() + steps
        if self._playback is not None and 0 <= wanted < len(_SPEEDS):
            self._set_speed(wanted)

    def mark_start(self) -> None:
        """Exports begin at the present frame."""
        if self._playback is not None:
            self._mark(max(self._playback.position, 0), self.range[1])

    def mark_end(self) -> None:
        """Exports end with the present frame."""
        if self._playback is not None:
            self._mark(self.range[0], max(self._playback.position, 0))

    def clear_range(self) -> None:
        """Exports take the whole recording."""
        self._mark(None, None)

    def _mark(self, start: int | None, end: int | None) -> None:
        if start is not None and end is not None and start > end:
            start, end = end, start
        before = self.range
        self.show_range((start, end))
        if before != self.range:
            self.range_changed.emit(before, self.range)

    def show_range(self, picked: Range) -> None:
        """Picks first and last frame of an export; None for the recording's own."""
        self.range = picked
        self.timeline.show_range(*picked)

    def seek(self, position: int) -> None:
        if self._playback is not None:
            self._playback.seek_frame(position)
            self.refresh()

    def _set_speed(self, index: int) -> None:
        if self._playback is not None:
            self._playback.speed = _SPEEDS[index]
            self.refresh()

    def _set_every(self, index: int) -> None:
        if self._playback is not None:
            self._playback.every_frame = bool(index)

    def _set_loop(self) -> None:
        if self._playback is not None:
            self._playback.loop = self.loop.isChecked()

    def toggle_loop(self) -> None:
        """Switches starting again at the end."""
        with QSignalBlocker(self.loop):
            self.loop.toggle()
        self._set_loop()


def _place_px(widget: QWidget) -> int:
    """What a widget takes of its row."""
    return max(widget.sizeHint().width(), widget.minimumWidth()) + _SPACING_PX
