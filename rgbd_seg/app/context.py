"""What controllers may ask of the window that they work in: they know this, and never the window itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from rgbd_seg.app.settings import Settings
    from rgbd_seg.app.view.presenter import Presenter
    from rgbd_seg.pipeline.session import Session


class Context(Protocol):
    """The window is one."""

    session: Session  # The source, the model and the recording.
    presenter: Presenter  # What is on screen, and how it is drawn.

    @property
    def settings(self) -> Settings:
        """What is remembered; nobody keeps a copy."""

    def remember(self, settings: Settings) -> None:
        """Adopts other settings everywhere."""

    def say(
        self,
        key: str,
        text: str,
        kind: str = "warning",
        action: str = "",
        run: Callable[[], None] | None = None,
        part: float | None = None,
    ) -> None:
        """Shows a message; a later one with the same key replaces it."""

    def unsay(self, key: str) -> None:
        """Takes a message away."""

    def post(self, call: Callable[[], None]) -> None:
        """Runs a small function on the window's thread; may be called from any thread."""

    def wake(self) -> None:
        """Makes the window look for what is new; may be called from any thread."""

    def show_panel(self, name: str) -> None:
        """Brings a panel to the front."""

    @property
    def widget(self) -> QWidget:
        """Parent of dialogs and menus."""
