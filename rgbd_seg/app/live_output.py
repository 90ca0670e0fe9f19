"""The switch of the live output: for browsers and Foxglove on this machine, off unless it is switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from rgbd_seg.errors import RgbdSegError
from rgbd_seg.serving.server import LiveServer

if TYPE_CHECKING:
    from rgbd_seg.app.context import Context
    from rgbd_seg.frame import Segmentation


class LiveOutput:
    """Owns the server while it runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.server: LiveServer | None = None

    def switch(self, on: bool) -> bool:
        """Starts or ends the server; returns whether it runs."""
        self.close()
        if on:
            server = LiveServer()
            try:
                server.start()
            except RgbdSegError as error:
                self._context.say("live", f"{str(error)[:1].upper()}{str(error)[1:]}.", "error")
                return False
            self.server = server
            if self._context.presenter.segmentation is not None:
                server.publish(self._context.presenter.segmentation)
            page = server.page
            text = f"Live output: {page} in a browser, {server.address} in Foxglove (Open connection)."

            def browse() -> None:
                QDesktopServices.openUrl(QUrl(page))

            self._context.say("live", text, "info", "Open in a browser", browse)
        return on

    def publish(self, segmentation: Segmentation) -> None:
        """Offers a result to whoever is connected."""
        if self.server is not None:
            self.server.publish(segmentation)

    def close(self, timeout_s: float = 1.5) -> None:
        if self.server is not None:
            self.server.close(timeout_s)
            self.server = None
            self._context.unsay("live")
