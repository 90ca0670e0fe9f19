"""The page's WebSocket protocol for one browser: pictures of the newest frame, the depth under the pointer, figures.

To the page: JSON texts `hello` and, twice a second, `status`; and for each frame one binary message: the length of a
JSON header (uint32, little endian), the header, and the JPEGs that it names one after the other. From the page: JSON
texts `look` (which pictures, which pixel is pointed at), `shown` (the number of a frame that is drawn) and `record`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
from collections.abc import Callable
from typing import Any

from aiohttp import WSCloseCode, WSMsgType
from aiohttp.web import WebSocketResponse

from rgbd_seg.frame import Segmentation
from rgbd_seg.serving.access import MessageLimit
from rgbd_seg.serving.contents import Contents, Encoder
from rgbd_seg.serving.desk import Desk
from rgbd_seg.serving.pictures import DEPTH_MAP, FAR_M, NEAR_M, PICTURES
from rgbd_seg.serving.viewer import Viewer

_log = logging.getLogger(__name__)

SUBPROTOCOL = "rgbd-seg.page.v1"
_MESSAGES_PER_SECOND = 100  # An answer to each of 60 frames, and the pointer.


class PageClient:
    """One open page.

    Args:
        socket: Its connection, upgraded.
        viewer: Its queue.
        encode: Runs what makes pictures where it holds up nobody.
        newest: What was published last.
        desk: Whoever publishes; None where nothing can be asked.
    """

    def __init__(
        self,
        socket: WebSocketResponse,
        viewer: Viewer,
        encode: Encoder,
        newest: Callable[[], Contents | None],
        desk: Desk | None,
    ) -> None:
        self._socket, self._viewer, self._encode, self._newest, self._desk = socket, viewer, encode, newest, desk
        self._pictures: tuple[str, ...] = ()
        self._pixel: tuple[int, int] | None = None
        self._figures = ""

    async def greet(self, session: str) -> None:
        """Says what there is to see and to do."""
        from rgbd_seg.coloring import depth_color_map

        hello = {
            "op": "hello",
            "session": session,
            "name": self._desk.name if self._desk else "rgbd-seg",
            "records": self._desk is not None,
            "depth": {"near_m": NEAR_M, "far_m": FAR_M, "colors": depth_color_map(DEPTH_MAP)[1::16].tolist()},
        }
        await self._socket.send_str(json.dumps(hello))

    async def send(self, number: int, contents: Contents | None) -> None:
        """Sends a frame as the page wants it; a heartbeat, and a frame for a page that hides, is a header alone."""
        figures, self._figures = self._figures, ""
        if figures:
            await self._socket.send_str(figures)
        header: dict[str, Any] = {"number": number, "delay_ms": round(self._viewer.behind_s * 1000)}
        pictures: list[bytes] = []
        if contents is not None and self._pictures:
            names = self._pictures
            pictures = await self._encode(_encoded, contents, names)
            header["pictures"] = [[name, len(data)] for name, data in zip(names, pictures, strict=True)]
        told = contents or self._newest()
        if told is not None:
            header |= _facts(told, self._pixel)
        text = json.dumps(header).encode()
        await self._socket.send_bytes(b"".join([struct.pack("<I", len(text)), text, *pictures]))

    def tell(self, text: str) -> None:
        """Figures, to be sent when the page is ready for them; newer ones replace them."""
        self._figures = text
        self._viewer.poke()

    async def listen(self) -> None:
        """Obeys the page until it is closed."""
        limit = MessageLimit(_MESSAGES_PER_SECOND)
        async for message in self._socket:
            if message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                self._obey(message.data)
            if limit.exceeded():
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages")
                return
            await asyncio.sleep(0)

    def _obey(self, text: str) -> None:
        """Does what a message asks; what is malformed is passed over."""
        try:
            data: Any = json.loads(text)
            if data["op"] == "shown":
                self._viewer.answered(int(data["number"]))
            elif data["op"] == "look":
                pictures = tuple(name for name in PICTURES if name in list(data["pictures"]))
                pixel = data.get("pixel")
                self._pixel = None if pixel is None else (int(pixel[0]), int(pixel[1]))
                newest, changed, self._pictures = self._newest(), pictures != self._pictures, pictures
                if changed and newest is not None:
                    self._viewer.offer(newest)
                elif pixel is not None:  # While nothing moves no frame would bring the answer.
                    self._viewer.poke()
            elif data["op"] == "record" and self._desk is not None:
                self._desk.record(bool(data["on"]))
        except (ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError):
            _log.debug("a page sent what is no request")


def _encoded(contents: Contents, names: tuple[str, ...]) -> list[bytes]:
    return [contents.once(name, PICTURES[name]) for name in names]


def _facts(contents: Contents, pixel: tuple[int, int] | None) -> dict[str, Any]:
    """What the page says of the frame that it shows."""
    frame = contents.segmentation.frame
    facts: dict[str, Any] = {
        "index": frame.index,
        "time_ms": contents.time_ns / 1e6,
        "size": [frame.width, frame.height],
        "model": contents.segmentation.model,
    }
    if pixel is not None and 0 <= pixel[0] < frame.width and 0 <= pixel[1] < frame.height:
        facts["pixel"] = _probe(contents.segmentation, *pixel)
    return facts


def _probe(segmentation: Segmentation, u: int, v: int) -> dict[str, Any]:
    frame, labels, confidence = segmentation.frame, segmentation.labels, segmentation.confidence
    counts = int(frame.depth[v, u])
    probe: dict[str, Any] = {"u": u, "v": v, "depth_m": counts * frame.calibration.depth_unit_m if counts else None}
    if labels is not None and segmentation.label_set is not None:
        probe["class"] = segmentation.label_set.name_of(int(labels[v, u]))
    if confidence is not None:
        probe["confidence"] = round(int(confidence[v, u]) / 255, 2)
    return probe
