"""Frames and labels for Foxglove and Lichtblick, live: a WebSocket server with the manners of the window.

Speaks the Foxglove WebSocket protocol (server info, advertise, subscribe, binary messages). Each client has a slot
where the newest result wins, so a slow client skips frames and delays nobody. Off unless started; loopback unless told
otherwise; a client must bring the token that is part of the address, and a browser page must come from an origin that
is allowed, because any page that a user opens could otherwise reach a server on the same machine.
"""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

from rgbd_seg.calibration import deproject
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.pipeline.slot import LatestSlot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rgbd_seg.frame import Segmentation

_log = logging.getLogger(__name__)

DEFAULT_PORT = 8765
#: Browser pages that may connect; programs send no origin and need only the token.
ORIGINS = ("https://app.foxglove.dev", "http://localhost:8080", "http://127.0.0.1:8080")
_SUBPROTOCOLS = ("foxglove.sdk.v1", "foxglove.websocket.v1")
_MESSAGE_DATA = 1
_LARGEST_REQUEST = 64 * 1024
_MOST_CLIENTS = 8
_CLOUD_STRIDE = 4
_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class _Channel:
    """One topic that is offered."""

    number: int
    topic: str
    schema: str


_CHANNELS = (
    _Channel(1, "/camera/color", "foxglove.CompressedImage"),
    _Channel(2, "/camera/depth", "foxglove.RawImage"),
    _Channel(3, "/camera/calibration", "foxglove.CameraCalibration"),
    _Channel(4, "/segmentation/overlay", "foxglove.CompressedImage"),
    _Channel(5, "/segmentation/labels", "foxglove.RawImage"),
    _Channel(6, "/segmentation/cloud", "foxglove.PointCloud"),
)


@dataclass(slots=True)
class _Client:
    """One connection: what it wants, and the newest result for it."""

    slot: LatestSlot[Segmentation] = field(default_factory=LatestSlot)
    subscriptions: dict[int, int] = field(default_factory=dict)  # Subscription id -> channel number.
    lock: threading.Lock = field(default_factory=threading.Lock)


class LiveServer:
    """Runs from `start` to `close`."""

    def __init__(self, host: str = "127.0.0.1", port: int = DEFAULT_PORT, token: str | None = None) -> None:
        """Prepares a server.

        Args:
            host: Address to listen at; another than loopback lets other machines see the camera.
            port: TCP port; 0 for any free one.
            token: What clients must bring; None makes one.
        """
        self._host, self._port = host, port
        self.token = token or secrets.token_urlsafe(12)
        self._by_number: dict[int, _Client] = {}
        self._next = 0
        self._newest: Segmentation | None = None
        self._lock = threading.Lock()
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """What to open in Foxglove (Open connection, Foxglove WebSocket)."""
        return f"ws://{self._host}:{self._port}/?token={self.token}"

    @property
    def clients(self) -> int:
        """How many are connected."""
        with self._lock:
            return len(self._by_number)

    def start(self) -> None:
        """Begins to listen.

        Raises:
            ConfigurationError: The library is missing, or the port is taken.
        """
        try:
            from websockets.sync.server import serve
        except ImportError:
            raise ConfigurationError(
                "the live output needs the package websockets: install rgbd-seg with the extra live"
            ) from None
        try:
            self._server = serve(
                self._serve_client,
                self._host,
                self._port,
                origins=[None, *ORIGINS],  # type: ignore[list-item]  # A plain text is an origin.
                subprotocols=list(_SUBPROTOCOLS),  # type: ignore[arg-type]  # Plain texts are what the library sends.
                process_request=self._refuse_strangers,
                compression=None,
                max_size=_LARGEST_REQUEST,
            )
        except OSError as error:
            raise ConfigurationError(f"cannot listen at {self._host}:{self._port}: {error.strerror or error}") from None
        self._port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="rgbd-seg live server", daemon=True)
        self._thread.start()

    def publish(self, segmentation: Segmentation) -> None:
        """Offers a result to all clients; returns at once."""
        with self._lock:
            self._newest = segmentation
            clients = list(self._by_number.values())
        for client in clients:
            client.slot.put(segmentation)

    def close(self, timeout_s: float = 1.5) -> None:
        """Ends all connections."""
        if self._server is None:
            return
        with self._lock:
            clients = list(self._by_number.values())
        for client in clients:
            client.slot.close()
        self._server.shutdown()
        if self._thread is not None:
            self._thread.join(timeout_s)
        until = time.monotonic() + timeout_s
        while self.clients and time.monotonic() < until:
            time.sleep(0.01)
        self._server = None

    def _refuse_strangers(self, connection: Any, request: Any) -> Any:
        given = parse_qs(urlsplit(request.path).query).get("token", [""])[0]
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return connection.respond(403, "The address lacks the token that the program shows.\n")
        if self.clients >= _MOST_CLIENTS:
            return connection.respond(503, "Too many clients.\n")
        return None

    def _serve_client(self, connection: Any) -> None:
        from websockets.exceptions import ConnectionClosed
        from websockets.frames import CloseCode

        client = _Client()
        with self._lock:
            self._next += 1
            number = self._next
            self._by_number[number] = client
        reader = threading.Thread(
            target=self._read, args=(connection, client), name="rgbd-seg live client", daemon=True
        )
        try:
            connection.send(json.dumps(_server_info()))
            connection.send(json.dumps({"op": "advertise", "channels": _advertised()}))
            reader.start()
            while (segmentation := client.slot.take()) is not None:
                with client.lock:
                    wanted = dict(client.subscriptions)
                for message in _messages(segmentation, wanted):
                    connection.send(message)
        except ConnectionClosed:
            pass
        except Exception:  # Its thread ends here; the other clients and the window go on.
            _log.exception("a live client was dropped")
            connection.close(CloseCode.INTERNAL_ERROR, "the program failed on a frame: see its log")
        finally:
            connection.close()
            with self._lock:
                del self._by_number[number]
            if reader.ident is not None:
                reader.join(1.0)

    def _read(self, connection: Any, client: _Client) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            for message in connection:
                if _obey(message, client):
                    with self._lock:
                        newest = self._newest
                    if newest is not None:
                        client.slot.put(newest)  # While a replay is paused no other would come.
        except ConnectionClosed:
            pass
        finally:
            client.slot.close()


def _server_info() -> dict[str, Any]:
    return {"op": "serverInfo", "name": "rgbd-seg", "capabilities": [], "supportedEncodings": [], "metadata": {}}


def _advertised() -> list[dict[str, Any]]:
    import base64

    from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
    from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
    from foxglove_schemas_protobuf.PointCloud_pb2 import PointCloud
    from foxglove_schemas_protobuf.RawImage_pb2 import RawImage

    from rgbd_seg.recording.mcap.format import protobuf_schema

    kinds = {kind.DESCRIPTOR.full_name: kind for kind in (CameraCalibration, CompressedImage, PointCloud, RawImage)}
    return [
        {
            "id": channel.number,
            "topic": channel.topic,
            "encoding": "protobuf",
            "schemaName": channel.schema,
            "schema": base64.b64encode(protobuf_schema(kinds[channel.schema])).decode(),
            "schemaEncoding": "protobuf",
        }
        for channel in _CHANNELS
    ]


def _obey(message: object, client: _Client) -> bool:
    """Subscribe (then True) and unsubscribe; everything else, and everything malformed, is passed over."""
    if not isinstance(message, str):
        return False
    try:
        data = json.loads(message)
        with client.lock:
            if data["op"] == "subscribe":
                for entry in data["subscriptions"][: 4 * len(_CHANNELS)]:
                    if len(client.subscriptions) < 4 * len(_CHANNELS):
                        client.subscriptions[int(entry["id"]) & 0xFFFFFFFF] = int(entry["channelId"])
            elif data["op"] == "unsubscribe":
                for number in data["subscriptionIds"]:
                    client.subscriptions.pop(int(number), None)
            return bool(data["op"] == "subscribe")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        _log.debug("a live client sent what is no request")
    return False


def _messages(segmentation: Segmentation, wanted: dict[int, int]) -> Iterator[bytes]:
    """Binary messages for the subscriptions; each content is made once, and only if somebody wants it."""
    frame = segmentation.frame
    time_ns = frame.host_ns + time.time_ns() - time.monotonic_ns()
    contents: dict[int, bytes | None] = {}
    for subscription, channel in wanted.items():
        if channel not in contents:
            contents[channel] = _content(segmentation, channel, time_ns)
        content = contents[channel]
        if content is not None:
            yield struct.pack("<BIQ", _MESSAGE_DATA, subscription, time_ns) + content


def _content(segmentation: Segmentation, channel: int, time_ns: int) -> bytes | None:
    from rgbd_seg.coloring import paint_overlay
    from rgbd_seg.recording.mcap.format import camera_calibration, compressed_image, raw_image
    from rgbd_seg.recording.pictures.codec import encode_color

    frame, labels, label_set = segmentation.frame, segmentation.labels, segmentation.label_set
    if channel == 1:
        return compressed_image(encode_color(frame.color, "jpeg", _JPEG_QUALITY), "jpeg", time_ns)
    if channel == 2:
        return b"".join(raw_image(frame.depth, "16UC1", time_ns))
    if channel == 3:
        return camera_calibration(frame.calibration.color, time_ns)
    if channel == 6:
        return _cloud(segmentation, time_ns)
    if labels is None or label_set is None:
        return None
    if channel == 4:
        picture = paint_overlay(frame.color, labels, label_set.palette())
        return compressed_image(encode_color(picture, "jpeg", _JPEG_QUALITY), "jpeg", time_ns)
    return b"".join(raw_image(labels, "8UC1", time_ns)) if channel == 5 else None


def _cloud(segmentation: Segmentation, time_ns: int) -> bytes:
    """Every fourth point of every fourth row, in metres, in the colour of its class or else of the camera."""
    from foxglove_schemas_protobuf.PackedElementField_pb2 import PackedElementField
    from foxglove_schemas_protobuf.PointCloud_pb2 import PointCloud

    from rgbd_seg.recording.mcap.format import FRAME_ID

    frame = segmentation.frame
    thin = (slice(None, None, _CLOUD_STRIDE), slice(None, None, _CLOUD_STRIDE))
    points, colors = deproject(frame.depth, frame.calibration)[thin], frame.color[thin]
    if segmentation.labels is not None and segmentation.label_set is not None:
        labels = segmentation.labels[thin]
        colors = np.where((labels > 0)[..., None], segmentation.label_set.palette()[labels], colors)
    there = points[..., 2] > 0
    packed = np.zeros(int(there.sum()), [("xyz", "<f4", 3), ("rgba", "u1", 4)])
    packed["xyz"], packed["rgba"][:, :3], packed["rgba"][:, 3] = points[there], colors[there], 255
    cloud = PointCloud(frame_id=FRAME_ID, point_stride=packed.itemsize, data=packed.tobytes())
    cloud.timestamp.FromNanoseconds(time_ns)
    cloud.pose.orientation.w = 1.0
    for offset, name in enumerate(("x", "y", "z")):
        cloud.fields.add(name=name, offset=4 * offset, type=PackedElementField.FLOAT32)
    for offset, name in enumerate(("red", "green", "blue", "alpha")):
        cloud.fields.add(name=name, offset=12 + offset, type=PackedElementField.UINT8)
    return bytes(cloud.SerializeToString())
