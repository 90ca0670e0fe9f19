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
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import CloseCode

from rgbd_seg.serving.routes import MOST_CLIENTS
from rgbd_seg.serving.server import LiveServer
from tests.serving.clients import PAGE, Deaf, foxglove, next_message, publishing, subscribe, wait_until
from tests.serving.conftest import IMPATIENCE_S
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from websockets.sync.client import ClientConnection

LARGE = (480, 640)


@pytest.mark.parametrize("subprotocol", ["foxglove.websocket.v1", *PAGE])
def test_a_client_that_never_reads_is_dropped_and_delays_nobody(impatient: LiveServer, subprotocol: str) -> None:
    with Deaf(impatient, subprotocol) as deaf:
        deaf.subscribe_to_all()
        deaf.say({"op": "look", "pictures": ["color", "overlay", "depth"]})
        with publishing(impatient, size=LARGE, every_s=0.05) as source, foxglove(impatient) as reader:
            subscribe(reader, {"/camera/calibration": 1})
            while impatient.clients == 2:
                next_message(reader)
            assert impatient.clients == 1
            next_message(reader)
    # Whoever waited for it would have done so until it was dropped.
    assert source.slowest_s < IMPATIENCE_S


def test_closing_does_not_wait_for_clients_that_never_read() -> None:
    server = LiveServer(port=0, patience_s=PATIENCE_S)
    server.start()
    with ExitStack() as clients:
        for _ in range(4):
            clients.enter_context(Deaf(server)).subscribe_to_all()
        with publishing(server, size=LARGE) as source:
            wait_until(lambda: source.published > 30)
            before = time.monotonic()
            server.close()
            took_s = time.monotonic() - before
    assert took_s < PATIENCE_S / 10
    assert server.clients == 0


def test_the_seats_of_clients_that_never_read_become_free(impatient: LiveServer) -> None:
    with ExitStack() as clients:
        deaf = [clients.enter_context(Deaf(impatient)) for _ in range(MOST_CLIENTS)]
        wait_until(lambda: impatient.clients == MOST_CLIENTS)
        with pytest.raises(InvalidStatus, match="503"):
            foxglove(impatient)
        for one in deaf:
            one.subscribe_to_all()
        with publishing(impatient):
            wait_until(lambda: impatient.clients == 0)
        with foxglove(impatient) as client:
            assert "sessionId" in subscribe(client, {})


def test_a_client_that_vanishes_is_forgotten(server: LiveServer) -> None:
    with Deaf(server) as gone:
        gone.subscribe_to_all()
        wait_until(lambda: server.clients == 1)
        gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with publishing(server):  # It was closed by a reset, as after a cable was pulled.
        wait_until(lambda: server.clients == 0)


def test_a_client_that_is_suspended_is_dropped(impatient: LiveServer, tmp_path: Path) -> None:
    """A real process that reads well and is then stopped, as when a laptop is closed."""
    code = f"""
import json
from websockets.sync.client import connect
with connect({impatient.address!r}, subprotocols=["foxglove.websocket.v1"], max_size=None) as client:
    client.recv(), client.recv()
    client.send(json.dumps({{"op": "subscribe", "subscriptions": [{{"id": 1, "channelId": 1}}]}}))
    for count, _ in enumerate(client):
        print(count, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        with publishing(impatient, size=LARGE, every_s=0.05):
            while int(process.stdout.readline()) < 10:
                continue
            os.kill(process.pid, signal.SIGSTOP)
            wait_until(lambda: impatient.clients == 0)
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
