"""Foxglove's protocol as a client sees it: what is offered, what comes, and with which stamps and units."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.PointCloud_pb2 import PointCloud
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage
from websockets.exceptions import ConnectionClosedError
from websockets.frames import CloseCode

from rgbd_seg.frame import RgbdFrame, Segmentation
from tests.serving.clients import foxglove, moment, next_message, publishing, receive, subscribe
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from rgbd_seg.serving.server import LiveServer


def test_a_client_gets_what_it_subscribed_to(server: LiveServer) -> None:
    topics = {
        "/camera/depth": 7,
        "/segmentation/labels": 8,
        "/segmentation/cloud": 9,
        "/segmentation/overlay": 10,
        "/segmentation/colored": 11,
        "/segmentation/confidence": 12,
        "/camera/cloud": 13,
        "/camera/calibration": 14,
    }
    with foxglove(server) as client:
        subscribe(client, topics)
        got = receive(client, server, len(topics))
    depth = RawImage.FromString(got[7])
    assert (depth.encoding, depth.width, depth.height) == ("16UC1", 64, 48)
    assert np.array_equal(np.frombuffer(depth.data, "<u2").reshape(48, 64), moment().frame.depth)
    assert set(RawImage.FromString(got[8]).data) == {2}
    assert set(RawImage.FromString(got[12]).data) == {204}
    color = moment().label_set.classes[1].color  # type: ignore[union-attr]
    for number, is_class in ((9, True), (13, False)):
        cloud = PointCloud.FromString(got[number])
        points = np.frombuffer(cloud.data, np.uint8).reshape(-1, cloud.point_stride)
        assert len(points) == 12 * 8  # Every fourth point of the half that has depth.
        assert np.allclose(points[:, 8:12].copy().view("<f4"), 1.5)
        assert (points[:, 12:15] == color).all() == is_class
        assert set(points[:, 16:20].copy().view("<u4").ravel()) == {2}
    overlay = cv2.imdecode(np.frombuffer(CompressedImage.FromString(got[10]).data, np.uint8), cv2.IMREAD_COLOR)
    assert overlay is not None
    assert overlay.shape == (48, 64, 3)
    colored = cv2.imdecode(np.frombuffer(CompressedImage.FromString(got[11]).data, np.uint8), cv2.IMREAD_COLOR)
    assert colored is not None
    assert (colored[..., ::-1] == color).all()
    assert list(CameraCalibration.FromString(got[14]).K) == [60, 0, 32, 0, 60, 24, 0, 0, 1]


@pytest.mark.parametrize("unit_m", [0.0002, 0.0001])
def test_depth_in_another_unit_comes_in_metres(server: LiveServer, unit_m: float) -> None:
    with foxglove(server) as client:
        subscribe(client, {"/camera/depth": 7})
        depth = RawImage.FromString(receive(client, server, 1, unit_m)[7])
    metres = np.frombuffer(depth.data, "<f4").reshape(48, 64)
    assert (depth.encoding, depth.step) == ("32FC1", 4 * 64)
    assert np.isnan(metres[:, :32]).all()
    assert metres[:, 32:] == pytest.approx(1.5)


def test_without_a_model_there_are_no_labels_and_everything_else(server: LiveServer) -> None:
    with foxglove(server) as client:
        subscribe(client, {"/segmentation/labels": 1, "/segmentation/overlay": 2, "/camera/color": 3})
        server.publish(Segmentation(moment().frame))
        assert next_message(client)[0] == 3


def test_a_client_that_comes_while_nothing_moves_gets_the_newest_result_with_its_own_stamp(server: LiveServer) -> None:
    result = moment()
    server.publish(result)
    stamps = []
    for _ in range(2):
        with foxglove(server) as client:
            subscribe(client, {"/camera/depth": 7})
            _, time_ns, content = next_message(client)
            assert RawImage.FromString(content).timestamp.ToNanoseconds() == time_ns
            stamps.append(time_ns)
        server.publish(Segmentation(result.frame))  # A paused replay sends its frame again.
    assert stamps[0] == stamps[1]
    assert abs(stamps[0] - time.time_ns()) < 60e9


def test_the_session_stays_while_the_server_runs(server: LiveServer) -> None:
    sessions = set()
    for _ in range(2):
        with foxglove(server) as client:
            sessions.add(subscribe(client, {})["sessionId"])
    assert len(sessions) == 1
    assert sessions != {""}


def test_nothing_more_comes_after_unsubscribing(server: LiveServer) -> None:
    with foxglove(server) as client, publishing(server):
        subscribe(client, {"/camera/calibration": 7, "/camera/depth": 8})
        while next_message(client)[0] != 7:
            continue
        client.send(json.dumps({"op": "unsubscribe", "subscriptionIds": [7]}))
        in_a_row, until = 0, time.monotonic() + PATIENCE_S
        while in_a_row < 20:
            in_a_row = 0 if next_message(client)[0] == 7 else in_a_row + 1
            assert time.monotonic() < until


def test_nonsense_from_a_client_is_passed_over(server: LiveServer) -> None:
    with foxglove(server) as client:
        for message in (
            "{",
            "[]",
            '{"op": "subscribe"}',
            '{"op": "subscribe", "subscriptions": [{"id": "x"}]}',
            '{"op": "subscribe", "subscriptions": [{"id": 1e999, "channelId": 1}]}',
            '{"op": "subscribe", "subscriptions": [{"id": -1, "channelId": 1}, {"id": 5, "channelId": 99}]}',
            '{"op": "unsubscribe", "subscriptionIds": 3}',
            "[" * 50_000,
            b"\x00",
        ):
            client.send(message)
        client.pong(b"no number")
        client.pong(b"99999999999")
        subscribe(client, {"/camera/color": 1})
        assert set(receive(client, server, 1)) == {1}


def test_a_frame_that_cannot_be_sent_closes_the_connection_as_an_error(server: LiveServer) -> None:
    with foxglove(server) as client:
        subscribe(client, {"/camera/depth": 1})
        receive(client, server, 1)
        broken = moment().frame
        server.publish(Segmentation(RgbdFrame(broken.color, broken.depth, broken.calibration, 1, -(10**20))))
        with pytest.raises(ConnectionClosedError) as closed:
            list(client)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == CloseCode.INTERNAL_ERROR
