"""What the window says: messages that need an answer above the views, all others on the line at the bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rgbd_seg.app.notices import KEYS, notices, sentence
from rgbd_seg.app.widgets.announcer import Announcer
from rgbd_seg.app.widgets.banner import Banners, Message
from rgbd_seg.app.widgets.status_line import StatusLine
from rgbd_seg.pipeline.status import Status

_NOTICE_MS = 8000


class Messages:
    """One message for each key."""

    def __init__(self, banners: Banners, line: StatusLine, announcer: Announcer) -> None:
        self._banners, self._line, self._announcer = banners, line, announcer
        self._slow = False  # The model is, in the messages' words.

    def say(
        self,
        key: str,
        text: str,
        kind: str = "warning",
        action: str = "",
        run: Callable[[], None] | None = None,
        part: float | None = None,
    ) -> None:
        """Shows a message at the top of the views; a later one with the same key replaces it.

        That something was done as wished is said on the line at the bottom, for a while: it needs no answer, and the
        views need not make room for it.
        """
        self._banners.forget(key)
        if part is None:  # A progress would be read out without an end.
            self._announcer.say(text, urgent=kind == "error")
        if kind == "info" and not action and part is None:
            self._banners.clear(key)
            self._line.show_notice(text, _NOTICE_MS)
            return
        text = text if kind == "info" else sentence(text)
        self._banners.show_message(Message(key, kind, text, action, run, part))  # type: ignore[arg-type]

    def show_status(
        self, status: Status, damage: tuple[str, ...], actions: Mapping[str, tuple[str, Callable[[], None] | None]]
    ) -> None:
        """Says what a state calls for, and takes back what it does not call for any more.

        Args:
            status: The pipeline's.
            damage: What is wrong with the recording.
            actions: Words and function by a notice's `action`.
        """
        found = {notice.key: notice for notice in notices(status, damage, slow_before=self._slow)}
        self._slow = "speed" in found
        self._announcer.show({key: found[key].text if key in found else "" for key in KEYS})
        for key in KEYS:
            notice = found.get(key)
            if notice is None:
                self._banners.clear(key)
            else:
                hint = notice.kind == "info"
                self._banners.show_message(Message(key, notice.kind, notice.text, *actions[notice.action], hint=hint))
