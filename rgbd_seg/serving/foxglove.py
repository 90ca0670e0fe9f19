"""Foxglove's WebSocket protocol, version 1, for one client: server info, advertise, subscribe, binary messages.

https://github.com/foxglove/ws-protocol/blob/main/docs/spec.md. The messages of a frame end with a ping, whose answer
says that the client has read them; see `viewer`.
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
from rgbd_seg.serving.foxglove_topics import TOPICS, Topic, advertised
from rgbd_seg.serving.viewer import Viewer

_log = logging.getLogger(__name__)

SUBPROTOCOLS = ("foxglove.sdk.v1", "foxglove.websocket.v1")
_MESSAGE_DATA = 1
_MOST_SUBSCRIPTIONS = 4 * len(TOPICS)
_REQUESTS_PER_SECOND = 50


class FoxgloveClient:
    """What one client has subscribed to, and how it is served.

    Args:
        socket: Its connection, upgraded.
        viewer: Its queue.
        encode: Runs what makes messages where it holds up nobody.
        newest: What was published last, for whoever subscribes while nothing moves.
    """

    def __init__(
        self, socket: WebSocketResponse, viewer: Viewer, encode: Encoder, newest: Callable[[], Contents | None]
    ) -> None:
        self._socket, self._viewer, self._encode, self._newest = socket, viewer, encode, newest
        self._subscriptions: dict[int, int] = {}  # Subscription id -> channel number.

    async def greet(self, session: str) -> None:
        """Says who serves and what there is.

        Args:
            session: The same while the server runs, so that a client that comes back keeps what it has.
        """
        info = {"op": "serverInfo", "name": "rgbd-seg", "capabilities": [], "supportedEncodings": []}
        await self._socket.send_str(json.dumps({**info, "metadata": {}, "sessionId": session}))
        await self._socket.send_str(json.dumps({"op": "advertise", "channels": advertised()}))

    async def send(self, number: int, contents: Contents | None) -> None:
        """Sends the messages of a frame (a heartbeat has none), and what the client answers."""
        if contents is not None and self._subscriptions:
            for message in await self._encode(self._messages, contents, dict(self._subscriptions)):
                await self._socket.send_bytes(message)
        await self._socket.ping(str(number).encode())

    async def listen(self) -> None:
        """Obeys the client until it leaves."""
        limit = MessageLimit(_REQUESTS_PER_SECOND)
        async for message in self._socket:
            if message.type is WSMsgType.PONG:  # As many as there were pings count, others are noise.
                if message.data[:20].isdigit():
                    self._viewer.answered(int(message.data[:20]))
            elif message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is WSMsgType.TEXT and self._obey(message.data):
                newest = self._newest()
                if newest is not None:
                    self._viewer.offer(newest)
            if limit.exceeded():
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages")
                return
            await asyncio.sleep(0)  # A client that floods must not keep the loop from the others.

    def _obey(self, text: str) -> bool:
        """Subscribe (then True) and unsubscribe; everything else, and everything malformed, is passed over."""
        try:
            data: Any = json.loads(text)
            if data["op"] == "subscribe":
                for entry in data["subscriptions"][:_MOST_SUBSCRIPTIONS]:
                    number, channel = int(entry["id"]), int(entry["channelId"])
                    known = number in self._subscriptions or len(self._subscriptions) < _MOST_SUBSCRIPTIONS
                    if known and channel in TOPICS and 0 <= number <= 0xFFFFFFFF:
                        self._subscriptions[number] = channel
            elif data["op"] == "unsubscribe":
                for number in data["subscriptionIds"]:
                    self._subscriptions.pop(int(number), None)
            return bool(data["op"] == "subscribe")
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            _log.debug("a live client sent what is no request")
        return False

    @staticmethod
    def _messages(contents: Contents, wanted: dict[int, int]) -> list[bytes]:
        """Binary messages for the subscriptions."""
        messages = []
        for subscription, channel in wanted.items():
            topic = TOPICS[channel]
            content = _content(contents, topic)
            if content is not None:
                messages.append(struct.pack("<BIQ", _MESSAGE_DATA, subscription, contents.time_ns) + content)
        return messages


def _content(contents: Contents, topic: Topic) -> bytes | None:
    def make(segmentation: Segmentation) -> bytes | None:
        return topic.make(segmentation, contents.time_ns)

    return contents.once(topic.name, make)
