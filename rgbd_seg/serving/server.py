"""The server: one port for the page, Foxglove, motion JPEG and metrics, an event loop in a thread of its own.

Whoever publishes never waits: a result is put down, and each client takes the newest when it is ready for it. Closing
cuts all connections and takes no longer than it is allowed to, whatever the clients do.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.serving.access import ORIGINS, Access
from rgbd_seg.serving.contents import Contents, WallClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from rgbd_seg.frame import Segmentation
    from rgbd_seg.serving.desk import Desk
    from rgbd_seg.serving.routes import Routes

_log = logging.getLogger(__name__)

T = TypeVar("T")
DEFAULT_PORT = 8765
_LOOK_S = 0.1


class LiveServer:
    """Runs from `start` to `close`, or in a `with` block. All methods may be called from any thread.

    Args:
        host: Address to listen at; another than loopback lets other machines see the camera.
        port: TCP port; 0 for any free one.
        token: What clients must bring, at least 16 characters; None makes one.
        origins: Pages that may connect besides the server's own, as browsers name them; "*" for all.
        certificate: A certificate chain in PEM, for https and wss; None for http and ws.
        key: Its private key in PEM; None where it is in the same file.
        desk: Whoever publishes, for figures and the record button; None for pictures alone.
        patience_s: A client that has not read for so many seconds is dropped.

    Raises:
        ConfigurationError: The token is too short, or an origin is none.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        token: str | None = None,
        *,
        origins: Iterable[str] = ORIGINS,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
        desk: Desk | None = None,
        patience_s: float = 5.0,
    ) -> None:
        if not 0 <= port <= 65535:
            raise ConfigurationError(f"port must be 0..65535, not {port}")
        self._host, self._port, self._desk, self._patience_s = host, port, desk, patience_s
        self.access = Access(token, origins)
        self._tls = _tls(certificate, key) if certificate is not None else None
        self._clock = WallClock()
        self._encoders = ThreadPoolExecutor(1, "rgbd-seg live pictures")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._routes: Routes | None = None
        self._newest: Contents | None = None
        self._lock = threading.Lock()
        self._woken = False

    @property
    def token(self) -> str:
        """What clients must bring."""
        return self.access.token

    @property
    def port(self) -> int:
        """Where it listens; known once it has started."""
        return self._port

    @property
    def address(self) -> str:
        """What to open in Foxglove (Open connection, Foxglove WebSocket)."""
        return f"{'wss' if self._tls else 'ws'}://{self._place}/?token={self.token}"

    @property
    def page(self) -> str:
        """What to open in a browser."""
        return f"{'https' if self._tls else 'http'}://{self._place}/?token={self.token}"

    @property
    def clients(self) -> int:
        return self._routes.clients if self._routes is not None else 0

    def start(self) -> None:
        """Begins to listen.

        Raises:
            ConfigurationError: The library is missing, the address cannot be listened at, or the certificate is none.
        """
        try:
            from rgbd_seg.serving.routes import Routes
        except ImportError as error:
            raise ConfigurationError(
                f"the live output needs aiohttp ({error}): install rgbd-seg with the extra live"
            ) from None
        try:
            family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
            listening = socket.create_server((self._host, self._port), family=family)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigurationError(f"cannot listen at {self._host}:{self._port}: {reason}") from None
        self._port = listening.getsockname()[1]
        self._routes = Routes(self.access, self._encode, lambda: self._newest, self._desk, self._patience_s)
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(listening, ready), name="rgbd-seg live server", daemon=True
        )
        self._thread.start()
        while not ready.wait(_LOOK_S):
            if not self._thread.is_alive():
                raise ConfigurationError("the live output did not start: see the log")

    def publish(self, segmentation: Segmentation) -> None:
        """Offers a result to all clients; returns at once."""
        contents = Contents(segmentation, self._clock.time_ns(segmentation.frame))
        with self._lock:
            self._newest = contents
            if self._loop is None or self._woken:  # One wake-up is enough, however much is published meanwhile.
                return
            self._woken = True
            loop = self._loop
        with suppress(RuntimeError):  # It has just ended.
            loop.call_soon_threadsafe(self._offer)

    def close(self, timeout_s: float = 1.5) -> None:
        """Cuts all connections and ends the thread. Closing twice does nothing."""
        with self._lock:
            loop, stop, self._loop = self._loop, self._stop, None
        if loop is not None and stop is not None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(stop.set)
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None
        self._encoders.shutdown(wait=False, cancel_futures=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _place(self) -> str:
        host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(self._host, self._host)  # noqa: S104 (compares)
        return f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    def _offer(self) -> None:
        with self._lock:
            self._woken = False
            newest = self._newest
        if newest is not None and self._routes is not None:
            self._routes.offer(newest)

    async def _encode(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._encoders, function, *arguments)

    def _run(self, listening: socket.socket, ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(listening, ready))
        except Exception:  # The window or the camera goes on; the log says why nobody is served.
            _log.exception("the live output ended")
        finally:
            listening.close()

    async def _serve(self, listening: socket.socket, ready: threading.Event) -> None:
        from aiohttp import web

        assert self._routes is not None
        stop = asyncio.Event()
        runner = web.AppRunner(
            self._routes.application(),
            access_log=None,
            keepalive_timeout=30.0,
            lingering_time=0.0,
            shutdown_timeout=0.0,
        )
        await runner.setup()
        await web.SockSite(runner, listening, ssl_context=self._tls).start()
        with self._lock:
            self._loop, self._stop = asyncio.get_running_loop(), stop
        ready.set()
        await stop.wait()
        self._routes.cut_all()
        with suppress(TimeoutError):
            await asyncio.wait_for(runner.cleanup(), 0.5)


def _tls(certificate: str | Path, key: str | Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"the certificate {certificate} cannot be used: {error.strerror or error}") from None
    return context
