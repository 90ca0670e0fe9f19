"""Clients that stop reading, vanish, flood or are many: nobody who publishes waits, and closing keeps its time."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import CloseCode

from rgbd_seg.serving.routes import MOST_CLIENTS
from rgbd_seg.serving.server import LiveServer
from tests.serving.clients import PAGE, Deaf, foxglove, next_message, publishing, subscribe, wait_until
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from websockets.sync.client import ClientConnection

LARGE = (480, 640)


@pytest.mark.parametrize("subprotocol", ["foxglove.websocket.v1", *PAGE])
def test_a_client_that_never_reads_is_dropped_and_delays_nobody(server: LiveServer, subprotocol: str) -> None:
    deaf = Deaf(server, subprotocol)
    deaf.subscribe_to_all()
    deaf.say({"op": "look", "pictures": ["color", "overlay", "depth"]})
    with publishing(server, size=LARGE) as source, foxglove(server) as reader:
        subscribe(reader, {"/camera/calibration": 1})
        while server.clients == 2:
            next_message(reader)
        assert server.clients == 1
        next_message(reader)
    assert source.slowest_s < 0.2
    deaf.close()


def test_closing_keeps_its_time_whatever_the_clients_do() -> None:
    server = LiveServer(port=0, patience_s=60)
    server.start()
    deaf = [Deaf(server) for _ in range(4)]
    for one in deaf:
        one.subscribe_to_all()
    with publishing(server, size=LARGE) as source:
        wait_until(lambda: source.published > 30)
        before = time.monotonic()
        server.close()
        took_s = time.monotonic() - before
    assert took_s < 1.5
    assert server.clients == 0
    for one in deaf:
        one.close()


def test_the_seats_of_clients_that_never_read_become_free(server: LiveServer) -> None:
    deaf = [Deaf(server) for _ in range(MOST_CLIENTS)]
    wait_until(lambda: server.clients == MOST_CLIENTS)
    with pytest.raises(InvalidStatus, match="503"):
        foxglove(server)
    for one in deaf:
        one.subscribe_to_all()
    with publishing(server):
        wait_until(lambda: server.clients == 0)
    with foxglove(server) as client:
        assert "sessionId" in subscribe(client, {})
    for one in deaf:
        one.close()


def test_a_client_that_vanishes_is_forgotten(server: LiveServer) -> None:
    gone = Deaf(server)
    gone.subscribe_to_all()
    wait_until(lambda: server.clients == 1)
    gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.close()  # A reset, as after a cable was pulled.
    with publishing(server):
        wait_until(lambda: server.clients == 0)


def test_a_client_that_is_suspended_is_dropped(server: LiveServer, tmp_path: Path) -> None:
    """A real process that reads well and is then stopped, as when a laptop is closed."""
    code = f"""
import json
from websockets.sync.client import connect
with connect({server.address!r}, subprotocols=["foxglove.websocket.v1"], max_size=None) as client:
    client.recv(), client.recv()
    client.send(json.dumps({{"op": "subscribe", "subscriptions": [{{"id": 1, "channelId": 1}}]}}))
    for count, _ in enumerate(client):
        print(count, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        with publishing(server, size=LARGE):
            while int(process.stdout.readline()) < 10:
                continue
            os.kill(process.pid, signal.SIGSTOP)
            wait_until(lambda: server.clients == 0)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_a_slow_client_skips_frames_and_is_never_far_behind(server: LiveServer) -> None:
    with publishing(server, size=LARGE), foxglove(server, max_queue=1, close_timeout=0) as client:
        subscribe(client, {"/camera/color": 1})
        ages_s = []
        for _ in range(12):
            _, time_ns, _ = next_message(client)
            ages_s.append((time.time_ns() - time_ns) / 1e9)
            time.sleep(0.15)
    assert max(ages_s[3:]) < 1.5  # Two frames on their way and what this client holds itself; never a growing queue.


def _flood(client: ClientConnection) -> None:
    for _ in range(20_000):
        client.send(json.dumps({"op": "subscribe", "subscriptions": []}))
    read_to_the_end(client)


def read_to_the_end(client: ClientConnection) -> None:
    while True:
        client.recv(PATIENCE_S)


def test_a_client_that_floods_is_sent_away_and_delays_nobody(server: LiveServer) -> None:
    with foxglove(server) as flood, publishing(server), foxglove(server) as reader:
        subscribe(reader, {"/camera/calibration": 1})
        with pytest.raises(ConnectionClosed) as closed:
            _flood(flood)
        next_message(reader)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == CloseCode.POLICY_VIOLATION


def test_a_message_that_is_too_large_ends_the_connection(server: LiveServer) -> None:
    with foxglove(server) as client:
        client.send("x" * 200_000)
        with pytest.raises(ConnectionClosed):
            read_to_the_end(client)
    wait_until(lambda: server.clients == 0)


@pytest.mark.parametrize("data", [b"\x00" * 100, b"GET / HTTP/1.1\r\nHost: " + b"x" * 100_000, b"GET /\r\n\r\n"])
def test_what_is_no_request_hurts_nobody(server: LiveServer, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as stranger:
        stranger.sendall(data)
        stranger.shutdown(socket.SHUT_WR)
        stranger.settimeout(PATIENCE_S)
        while stranger.recv(65536):
            continue
    with foxglove(server) as client:
        assert "sessionId" in subscribe(client, {})
