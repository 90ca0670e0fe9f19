"""What the server answers: who gets in, which path is what, and the life of each connection that gets frames."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import Callable
from importlib import resources
from typing import Any

from aiohttp import WSCloseCode, web

from rgbd_seg.assets import asset
from rgbd_seg.serving.access import Access
from rgbd_seg.serving.contents import Contents, Encoder
from rgbd_seg.serving.desk import Desk
from rgbd_seg.serving.figures import Figures
from rgbd_seg.serving.foxglove import SUBPROTOCOLS, FoxgloveClient
from rgbd_seg.serving.page_client import SUBPROTOCOL, PageClient
from rgbd_seg.serving.pictures import PICTURES
from rgbd_seg.serving.viewer import Stalled, Viewer

_log = logging.getLogger(__name__)

MOST_CLIENTS = 16
_LARGEST_REQUEST = 64 * 1024
_COOKIE = "rgbd-seg-token"
_REPORT_S = 0.5
_PAGE = {
    "": ("index.html", "text/html"),
    "page.css": ("page.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
    "views.js": ("views.js", "text/javascript"),
    "plot.js": ("plot.js", "text/javascript"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Routes:
    """The paths, and the clients that are connected. For the server's event loop only, but for `clients`."""

    def __init__(
        self,
        access: Access,
        encode: Encoder,
        newest: Callable[[], Contents | None],
        desk: Desk | None,
        patience_s: float,
    ) -> None:
        self._access, self._encode, self._newest, self._desk = access, encode, newest, desk
        self._patience_s = patience_s
        self._session = secrets.token_hex(8)
        self._viewers: dict[Viewer, web.BaseRequest] = {}
        self._pages: set[PageClient] = set()
        self._figures = Figures(desk)
        self._dropped = 0

    @property
    def clients(self) -> int:
        return len(self._viewers)

    def offer(self, contents: Contents) -> None:
        """The newest result, to all."""
        for viewer in self._viewers:
            viewer.offer(contents)

    def cut_all(self) -> None:
        """Ends all connections without a word: a client that does not read would not hear one."""
        for request in self._viewers.values():
            _cut(request)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=_LARGEST_REQUEST, middlewares=[self._guard])
        application.router.add_get("/", self._root)
        for name in _PAGE:
            if name:
                application.router.add_get(f"/{name}", self._file)
        application.router.add_get("/icon.svg", self._icon)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/{picture}.jpg", self._still)
        application.router.add_get("/{picture}.mjpg", self._motion)
        application.router.add_post("/record", self._record)
        application.router.add_post("/enter", self._enter)
        application.cleanup_ctx.append(self._reporting)
        return application

    # Who gets in

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Lets in what brings the token and comes from no stranger's page."""
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        if not self._access.lets_in_page(request.headers) and (upgrade or request.method != "GET"):
            raise web.HTTPForbidden(text="Pages of this origin may not connect: allow it with --allow-origin.\n")
        if request.path == "/enter":
            return await handler(request)  # type: ignore[no-any-return]
        if not any(self._access.knows(token) for token in _tokens(request)):
            if self._access.note_wrong_token():
                raise web.HTTPTooManyRequests(text="Too many requests without the token.\n")
            _log.warning("%s asked for %s without the token", request.remote, request.path)
            if request.path == "/" and not upgrade and "text/html" in request.headers.get("Accept", ""):
                return _asset("enter.html", "text/html", 403)
            raise web.HTTPForbidden(text="The address lacks the token that the program shows.\n")
        return await handler(request)  # type: ignore[no-any-return]

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        """The form of the page that asks for the token."""
        given = str((await request.post()).get("token", ""))
        given = given.rpartition("token=")[2].strip()  # The whole address is as good.
        if not self._access.knows(given):
            self._access.note_wrong_token()
            return _asset("enter.html", "text/html", 403)
        return self._let_in(request)

    def _let_in(self, request: web.Request) -> web.StreamResponse:
        """Leaves the token in a cookie and takes it out of the address, which people send to others or film."""
        response = web.Response(status=303, headers={**_HEADERS, "Location": "/"})
        response.set_cookie(
            _cookie(request), self._access.token, httponly=True, samesite="Lax", secure=request.secure, path="/"
        )
        return response

    # What there is

    async def _root(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._connect(request)
        if "token" in request.query:
            return self._let_in(request)
        return _asset(*_PAGE[""])

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return _asset(*_PAGE[request.path.strip("/")])

    async def _icon(self, _: web.Request) -> web.StreamResponse:
        data = asset("icons/rgbd-seg.svg").read_bytes()
        return web.Response(body=data, content_type="image/svg+xml", headers=_HEADERS)

    async def _metrics(self, _: web.Request) -> web.StreamResponse:
        delays = [viewer.behind_s for viewer in self._viewers if viewer.behind_s]
        text = self._figures.prometheus(self.clients, self._dropped, max(delays, default=None))
        return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _record(self, request: web.Request) -> web.StreamResponse:
        """`POST /record?on=1` for scripts."""
        if self._desk is None:
            raise web.HTTPNotFound(text="Nothing can be recorded here.\n")
        if request.query.get("on") not in ("0", "1"):
            raise web.HTTPBadRequest(text="Say /record?on=1 or /record?on=0.\n")
        self._desk.record(request.query["on"] == "1")
        return web.Response(status=202, text="Asked for; /metrics says what is being recorded.\n")

    async def _still(self, request: web.Request) -> web.StreamResponse:
        newest, name = self._newest(), _picture(request)
        if newest is None:
            raise web.HTTPServiceUnavailable(text="There is no frame yet.\n")
        data = await self._encode(newest.once, name, PICTURES[name])
        return web.Response(body=data, content_type="image/jpeg", headers=_HEADERS)

    async def _motion(self, request: web.Request) -> web.StreamResponse:
        """Motion JPEG, for programs that read nothing else. It has no answers: the network's buffers may lag."""
        name = _picture(request)
        self._refuse_when_full()
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "multipart/x-mixed-replace; boundary=frame"})
        await response.prepare(request)

        async def send(number: int, contents: Contents | None) -> None:
            if contents is not None:
                data = await self._encode(contents.once, name, PICTURES[name])
                stamp = f"X-Timestamp: {contents.time_ns / 1e9:.6f}\r\n"
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n{stamp}\r\n"
                await response.write(head.encode() + data + b"\r\n")
            viewer.answered(number)

        with self._viewing(request) as viewer, contextlib.suppress(ConnectionError):
            await self._show(request, viewer, send)
        return response

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        """A WebSocket: the page by its subprotocol, anything else is Foxglove."""
        self._refuse_when_full()
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL, *SUBPROTOCOLS),
            autoping=False,
            compress=False,
            max_msg_size=_LARGEST_REQUEST,
            timeout=1.0,
        )
        await socket.prepare(request)
        with self._viewing(request) as viewer:
            client: PageClient | FoxgloveClient
            if socket.ws_protocol == SUBPROTOCOL:
                client = PageClient(socket, viewer, self._encode, self._newest, self._desk)
                self._pages.add(client)
            else:
                client = FoxgloveClient(socket, viewer, self._encode, self._newest)
            try:
                await self._talk(request, viewer, socket, client)
            finally:
                if isinstance(client, PageClient):
                    self._pages.discard(client)
        return socket

    def _refuse_when_full(self) -> None:
        if self.clients >= MOST_CLIENTS:
            raise web.HTTPServiceUnavailable(text="Too many clients.\n")

    async def _talk(
        self, request: web.Request, viewer: Viewer, socket: web.WebSocketResponse, client: PageClient | FoxgloveClient
    ) -> None:
        showing = asyncio.create_task(self._greet_and_show(request, viewer, socket, client))
        try:
            await client.listen()
        finally:
            showing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await showing

    async def _greet_and_show(
        self, request: web.Request, viewer: Viewer, socket: web.WebSocketResponse, client: PageClient | FoxgloveClient
    ) -> None:
        try:
            await client.greet(self._session)
            await self._show(request, viewer, client.send)
        except ConnectionError:
            pass
        except Exception:  # This client is told; the other clients and the window go on.
            _log.exception("a live client was dropped")
            await socket.close(code=WSCloseCode.INTERNAL_ERROR, message=b"the program failed on a frame: see its log")

    @contextlib.contextmanager
    def _viewing(self, request: web.Request) -> Any:
        viewer = Viewer(self._patience_s)
        self._viewers[viewer] = request
        try:
            yield viewer
        finally:
            del self._viewers[viewer]

    async def _show(self, request: web.Request, viewer: Viewer, send: Callable[[int, Contents | None], Any]) -> None:
        """Sends frames until the client goes, or does not read for too long."""
        try:
            while True:
                number, contents = await viewer.next()
                async with asyncio.timeout(self._patience_s):
                    await send(number, contents)
        except (Stalled, TimeoutError):
            self._dropped += 1
            _log.warning("%s has not read for %g s and was dropped", request.remote, self._patience_s)
            _cut(request)

    async def _reporting(self, _: web.Application) -> Any:
        """Figures for the open pages, twice a second."""

        async def report() -> None:
            while True:
                await asyncio.sleep(_REPORT_S)
                if not self._pages:
                    continue
                try:
                    figures = await self._encode(self._figures.take, self._newest())
                except Exception:
                    _log.exception("no figures for the page")
                    continue
                text = json.dumps({"op": "status", "viewers": self.clients, "time_ms": time.time() * 1000, **figures})
                for page in list(self._pages):
                    page.tell(text)

        task = asyncio.create_task(report())
        yield
        task.cancel()


def _tokens(request: web.Request) -> list[str]:
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    given = [request.query.get("token"), request.cookies.get(_cookie(request)), bearer if kind == "Bearer" else None]
    return [token for token in given if token]


def _cookie(request: web.Request) -> str:
    """Cookies are shared by all ports of a host, and two servers have two tokens."""
    return f"{_COOKIE}-{request.transport.get_extra_info('sockname')[1] if request.transport else 0}"


def _picture(request: web.Request) -> str:
    name = request.match_info["picture"]
    if name not in PICTURES:
        raise web.HTTPNotFound(text=f"There are {', '.join(PICTURES)}, as .jpg and as .mjpg.\n")
    return name


def _asset(name: str, kind: str, status: int = 200) -> web.Response:
    data = resources.files("rgbd_seg.serving").joinpath("page", name).read_bytes()
    return web.Response(body=data, status=status, content_type=kind, charset="utf-8", headers=_HEADERS)


def _cut(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()
