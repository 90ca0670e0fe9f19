"""The live output as a client sees it: who gets in, what is offered, and what comes."""

from __future__ import annotations

import json
import struct
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.PointCloud_pb2 import PointCloud
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection, connect

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.labels import LabelSet
from rgbd_seg.pipeline.live_server import LiveServer

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBPROTOCOL = ["foxglove.sdk.v1"]


@pytest.fixture
def server() -> Iterator[LiveServer]:
    server = LiveServer(port=0)
    server.start()
    yield server
    server.close()
    assert server.clients == 0


def moment(index: int = 0) -> Segmentation:
    depth = np.full((48, 64), 1500, np.uint16)
    depth[:, :32] = 0
    calibration = Calibration(Intrinsics(64, 48, 60.0, 60.0, 32.0, 24.0))
    frame = RgbdFrame(np.full((48, 64, 3), 90, np.uint8), depth, calibration, index, time.monotonic_ns())
    return Segmentation(frame, np.full((48, 64), 2, np.uint8), None, LabelSet.load("sunrgbd13"))


def subscribe(client: ClientConnection, server: LiveServer, topics: dict[str, int]) -> None:
    assert json.loads(client.recv(5))["op"] == "serverInfo"
    channels = {one["topic"]: one["id"] for one in json.loads(client.recv(5))["channels"]}
    wanted = [{"id": number, "channelId": channels[topic]} for topic, number in topics.items()]
    client.send(json.dumps({"op": "subscribe", "subscriptions": wanted}))


def receive(client: ClientConnection, server: LiveServer, count: int) -> dict[int, bytes]:
    """Publishes until so many subscriptions have got something."""
    got: dict[int, bytes] = {}
    until = time.monotonic() + 20
    while len(got) < count and time.monotonic() < until:
        server.publish(moment())
        try:
            message = client.recv(0.2)
        except TimeoutError:
            continue
        opcode, subscription, _ = struct.unpack_from("<BIQ", message)
        assert opcode == 1
        got[subscription] = message[13:]
    return got


def test_a_client_gets_what_it_subscribed_to(server: LiveServer) -> None:
    topics = {"/camera/depth": 7, "/segmentation/labels": 8, "/segmentation/cloud": 9, "/segmentation/overlay": 10}
    with connect(server.address, subprotocols=SUBPROTOCOL) as client:
        subscribe(client, server, topics)
        got = receive(client, server, 4)
    depth = RawImage.FromString(got[7])
    assert (depth.encoding, depth.width, depth.height) == ("16UC1", 64, 48)
    assert np.array_equal(np.frombuffer(depth.data, "<u2").reshape(48, 64), moment().frame.depth)
    assert set(RawImage.FromString(got[8]).data) == {2}
    cloud = PointCloud.FromString(got[9])
    points = np.frombuffer(cloud.data, np.uint8).reshape(-1, cloud.point_stride)
    assert len(points) == 12 * 8  # Every fourth point of the half that has depth.
    assert np.allclose(points[:, 8:12].copy().view("<f4"), 1.5)
    overlay = cv2.imdecode(np.frombuffer(CompressedImage.FromString(got[10]).data, np.uint8), cv2.IMREAD_COLOR)
    assert overlay.shape == (48, 64, 3)


def test_the_lens_comes_with_the_pictures_and_nothing_more_after_unsubscribing(server: LiveServer) -> None:
    with connect(server.address, subprotocols=SUBPROTOCOL) as client:
        subscribe(client, server, {"/camera/calibration": 7, "/camera/depth": 8})
        got = receive(client, server, 2)
        client.send(json.dumps({"op": "unsubscribe", "subscriptionIds": [7]}))
        late = time.monotonic() + 20
        while (counts := _received_in(client, server, 0.5))[7] and time.monotonic() < late:
            continue
        assert counts[7] == 0
        assert counts[8] > 0
    assert list(CameraCalibration.FromString(got[7]).K) == [60, 0, 32, 0, 60, 24, 0, 0, 1]


def _received_in(client: ClientConnection, server: LiveServer, seconds: float) -> Counter[int]:
    """How many messages of each subscription come in a while."""
    counts: Counter[int] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        server.publish(moment())
        with suppress(TimeoutError):
            counts[struct.unpack_from("<BI", client.recv(0.1))[1]] += 1
    return counts


def test_a_client_that_comes_while_nothing_moves_gets_the_newest_result(server: LiveServer) -> None:
    server.publish(moment())
    with connect(server.address, subprotocols=SUBPROTOCOL) as client:
        subscribe(client, server, {"/camera/depth": 7})
        message = client.recv(20)
    assert isinstance(message, bytes)
    assert struct.unpack_from("<BI", message) == (1, 7)


def test_other_machines_are_let_in_only_when_asked_for_and_then_too_with_the_token(server: LiveServer) -> None:
    assert server._server.socket.getsockname()[0] == "127.0.0.1"
    wide = LiveServer(host="0.0.0.0", port=0)
    wide.start()
    try:
        with pytest.raises(InvalidStatus, match="403"):
            connect(wide.address.split("?")[0], subprotocols=SUBPROTOCOL)
    finally:
        wide.close()
    assert len(wide.token) >= 16
    assert wide.token != server.token


@pytest.mark.parametrize("path", ["", "?token=", "?token=wrong"])
def test_without_the_token_nobody_gets_in(server: LiveServer, path: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(server.address.split("?")[0] + path, subprotocols=SUBPROTOCOL)


def test_pages_of_strangers_are_refused_and_foxglove_is_not(server: LiveServer) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(server.address, origin="https://evil.example", subprotocols=SUBPROTOCOL)
    with connect(server.address, origin="https://app.foxglove.dev", subprotocols=SUBPROTOCOL) as client:
        assert json.loads(client.recv(5))["name"] == "rgbd-seg"


def test_nonsense_from_a_client_is_passed_over(server: LiveServer) -> None:
    with connect(server.address, subprotocols=SUBPROTOCOL) as client:
        for message in (
            "{",
            "[]",
            '{"op": "subscribe"}',
            '{"op": "subscribe", "subscriptions": [{"id": "x"}]}',
            '{"op": "subscribe", "subscriptions": [{"id": 1e999, "channelId": 1}]}',
            b"\x00",
        ):
            client.send(message)
        subscribe(client, server, {"/camera/color": 1})
        assert set(receive(client, server, 1)) == {1}


def test_a_client_that_does_not_read_delays_nobody(server: LiveServer) -> None:
    with connect(server.address, subprotocols=SUBPROTOCOL) as client:
        subscribe(client, server, {"/camera/depth": 1})
        receive(client, server, 1)
        for index in range(300):
            server.publish(moment(index))


def test_a_frame_that_cannot_be_sent_closes_the_connection_as_an_error(server: LiveServer) -> None:
    with connect(server.address, subprotocols=SUBPROTOCOL) as client:
        subscribe(client, server, {"/camera/depth": 1})
        receive(client, server, 1)
        broken = moment()
        before_time = RgbdFrame(broken.frame.color, broken.frame.depth, broken.frame.calibration, 1, -(10**20))
        server.publish(Segmentation(before_time))
        with pytest.raises(ConnectionClosedError) as closed:
            list(client)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == CloseCode.INTERNAL_ERROR


def test_a_taken_port_is_said(server: LiveServer) -> None:
    port = int(server.address.split(":")[2].split("/")[0])
    with pytest.raises(ConfigurationError, match=str(port)):
        LiveServer(port=port).start()
