"""Who may come in: a token that the program shows, pages of known origins, and no more tries than people need."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from rgbd_seg.errors import ConfigurationError

#: Pages that may connect besides the server's own. Foxglove's and Lichtblick's desktop programs load theirs from files,
#: which browsers call "null" or "file://"; programs that are no browser send no origin at all.
ORIGINS = ("https://app.foxglove.dev", "http://localhost:8080", "http://127.0.0.1:8080", "null", "file://")
_FEWEST_TOKEN_CHARACTERS = 16
_WRONG_TOKENS, _WINDOW_S = 10, 60.0


class Access:
    """Checks the token and the origin of requests.

    Args:
        token: What every request must bring; None makes one.
        origins: Pages that may connect, as browsers name them; "*" for all.

    Raises:
        ConfigurationError: The token is short enough to be guessed, or an origin is none.
    """

    def __init__(self, token: str | None, origins: Iterable[str]) -> None:
        self.token = secrets.token_urlsafe(16) if token is None else token
        if len(self.token) < _FEWEST_TOKEN_CHARACTERS or not self.token.isascii() or not self.token.isprintable():
            raise ConfigurationError(
                f"a token must have at least {_FEWEST_TOKEN_CHARACTERS} printable ASCII characters, so that nobody "
                f"guesses it; this one has {len(self.token)}"
            )
        self._origins = frozenset(origin.rstrip("/") if origin != "file://" else origin for origin in origins)
        for origin in self._origins - {"*", "null", "file://"}:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
                raise ConfigurationError(
                    f"an origin looks like https://example.org or http://localhost:8080, or is null, file:// or *, "
                    f"not {origin!r:.100}"
                )
        self._wrong: deque[float] = deque(maxlen=_WRONG_TOKENS)

    def knows(self, token: str) -> bool:
        """Whether this is the token; takes the same time however much of it is right."""
        return hmac.compare_digest(token.encode(errors="replace"), self.token.encode())

    def note_wrong_token(self) -> bool:
        """Counts a request without the token; True once there were too many within a minute.

        The answer is then short and no longer logged. The right token is let in all the same, since anybody could
        otherwise lock out everybody; at 16 characters guessing is hopeless.
        """
        now = time.monotonic()
        busy = len(self._wrong) == _WRONG_TOKENS and now - self._wrong[0] < _WINDOW_S
        if not busy:
            self._wrong.append(now)
        return busy

    def lets_in_page(self, headers: Mapping[str, str]) -> bool:
        """Whether a WebSocket or a command may come from the page that asks; True for programs, which name none."""
        origin = headers.get("Origin")
        if origin is None or "*" in self._origins or origin in self._origins:
            return True
        return urlsplit(origin).netloc == headers.get("Host")  # The server's own page.


class MessageLimit:
    """At most so many messages a second from one client, with a burst of ten seconds' worth.

    Args:
        per_second: Messages.
    """

    def __init__(self, per_second: float) -> None:
        self._per_second, self._burst = per_second, 10 * per_second
        self._left, self._seen = self._burst, time.monotonic()

    def exceeded(self) -> bool:
        """Counts one message; True if it is one too many."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._seen) * self._per_second)
        self._seen = now
        self._left -= 1
        return self._left < 0
