"""What the tests of the server publish, and clients of another library (or of bare sockets) that look at it."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Self

import numpy as np
from websockets.sync.client import ClientConnection, connect

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.labels import LabelSet
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from rgbd_seg.serving.server import LiveServer

FOXGLOVE = ["foxglove.sdk.v1"]
PAGE = ["rgbd-seg.page.v1"]


def moment(index: int = 0, *, unit_m: float = 0.001, size: tuple[int, int] = (48, 64)) -> Segmentation:
    """1.5 m everywhere but in the left half, which has no depth; class 2 everywhere."""
    height, width = size
    depth = np.full(size, round(1.5 / unit_m), np.uint16)
    depth[:, : width // 2] = 0
    lens = Intrinsics(width, height, 60.0, 60.0, width / 2, height / 2)
    color = np.random.default_rng(index).integers(0, 255, (height, width, 3), np.uint8)
    frame = RgbdFrame(color, depth, Calibration(lens, unit_m), index, time.monotonic_ns())
    labels, confidence = np.full(size, 2, np.uint8), np.full(size, 204, np.uint8)
    return Segmentation(frame, labels, confidence, LabelSet.load("sunrgbd13"), model="a test")


def wait_until(condition: Callable[[], bool], publish: Callable[[], None] = lambda: None) -> None:
    """Publishes until something has come true."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "it did not come true"
        publish()
        time.sleep(0.01)


def foxglove(server: LiveServer, **options: object) -> ClientConnection:
    """A client of Foxglove's protocol."""
    return connect(server.address, subprotocols=FOXGLOVE, max_size=None, **options)  # type: ignore[arg-type]


def subscribe(client: ClientConnection, topics: dict[str, int]) -> dict[str, object]:
    """Subscribes to topics by name; returns the server's info."""
    info: dict[str, object] = json.loads(client.recv(PATIENCE_S))
    channels = {one["topic"]: one["id"] for one in json.loads(client.recv(PATIENCE_S))["channels"]}
    wanted = [{"id": number, "channelId": channels[topic]} for topic, number in topics.items()]
    client.send(json.dumps({"op": "subscribe", "subscriptions": wanted}))
    return info


def next_message(client: ClientConnection) -> tuple[int, int, bytes]:
    """Subscription, time in nanoseconds, and content of the next binary message."""
    message = client.recv(PATIENCE_S)
    assert isinstance(message, bytes)
    opcode, subscription, time_ns = struct.unpack_from("<BIQ", message)
    assert opcode == 1
    return subscription, time_ns, message[13:]


def receive(client: ClientConnection, server: LiveServer, count: int, unit_m: float = 0.001) -> dict[int, bytes]:
    """Publishes until so many subscriptions have got something."""
    got: dict[int, bytes] = {}
    with publishing(server, unit_m=unit_m):
        while len(got) < count:
            subscription, _, content = next_message(client)
            got[subscription] = content
    return got


class publishing:
    """Publishes frame after frame from a thread, as a camera does, until the block ends."""

    def __init__(
        self, server: LiveServer, *, unit_m: float = 0.001, size: tuple[int, int] = (48, 64), every_s: float = 0.01
    ) -> None:
        self._server, self._unit_m, self._size, self._every_s = server, unit_m, size, every_s
        self.published = 0
        self.slowest_s = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._end.wait(self._every_s):
            result = moment(self.published, unit_m=self._unit_m, size=self._size)
            before = time.monotonic()
            self._server.publish(result)
            self.slowest_s = max(self.slowest_s, time.monotonic() - before)
            self.published += 1

    def __enter__(self) -> publishing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


class Deaf:
    """A client that asks for everything and never reads what comes: a suspended laptop, a paused tab."""

    def __init__(self, server: LiveServer, subprotocol: str = FOXGLOVE[0]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /?token={server.token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(1)
        assert b" 101 " in head.splitlines()[0]

    def say(self, data: object) -> None:
        payload, mask = json.dumps(data).encode(), b"\1\2\3\4"
        masked = bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))
        self.socket.sendall(b"\x81" + bytes([0x80 | 126]) + struct.pack(">H", len(payload)) + mask + masked)

    def subscribe_to_all(self) -> None:
        self.say({"op": "subscribe", "subscriptions": [{"id": i, "channelId": i} for i in range(1, 10)]})

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
