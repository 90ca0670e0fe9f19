"""Who gets in: the token in all its forms, origins, too many tries, and what a certificate changes."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.serving.server import LiveServer
from tests.serving.clients import FOXGLOVE, foxglove, moment, publishing, subscribe, wait_until
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

PATHS = ["/", "/page.js", "/metrics", "/color.jpg", "/color.mjpg"]


def ask(
    server: LiveServer, path: str, method: str = "GET", body: str | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode(errors="replace")
    finally:
        connection.close()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", ["", "?token=", "?token=wrong", "?token=%ff", "?token=" + "x" * 5000])
def test_without_the_token_nobody_sees_anything(server: LiveServer, path: str, token: str) -> None:
    server.publish(moment())
    assert ask(server, path + token)[0] == 403
    assert ask(server, path, Authorization="Bearer wrong", Cookie=f"rgbd-seg-token-{server.port}=wrong")[0] == 403


def test_without_the_token_no_websocket_opens_and_nothing_is_recorded(server: LiveServer) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(server.address.split("?")[0], subprotocols=FOXGLOVE)  # type: ignore[arg-type]
    assert ask(server, "/record?on=1", "POST")[0] == 403


def test_the_token_is_let_in_as_bearer_and_as_query(server: LiveServer) -> None:
    assert ask(server, "/metrics", Authorization=f"Bearer {server.token}")[0] == 200
    assert ask(server, f"/metrics?token={server.token}")[0] == 200


def test_the_page_takes_the_token_out_of_the_address(server: LiveServer) -> None:
    status, headers, _ = ask(server, f"/?token={server.token}")
    assert (status, headers["Location"]) == (303, "/")
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    status, headers, page = ask(server, "/", Cookie=cookie.split(";")[0])
    assert status == 200
    assert "<title>" in page
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert server.token not in page


def test_who_comes_without_the_token_can_type_it(server: LiveServer) -> None:
    status, _, form = ask(server, "/", Accept="text/html")
    assert status == 403
    assert "<form" in form
    for given in (server.token, server.page.replace(":", "%3A").replace("/", "%2F").replace("?", "%3F")):
        answer = ask(
            server, "/enter", "POST", f"token={given}", Content_Type="application/x-www-form-urlencoded", Origin="null"
        )
        assert answer[0] == 303
    wrong = ask(server, "/enter", "POST", "token=no", Content_Type="application/x-www-form-urlencoded")
    assert wrong[0] == 403


def test_many_wrong_tokens_get_short_answers_and_the_right_one_still_gets_in(server: LiveServer) -> None:
    answers = [ask(server, f"/?token=guess{number}")[0] for number in range(15)]
    assert answers == [403] * 10 + [429] * 5
    assert ask(server, f"/metrics?token={server.token}")[0] == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:1", "https://app.foxglove.dev.evil.example"]
)
def test_pages_of_strangers_are_refused_even_with_the_token(server: LiveServer, origin: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        foxglove(server, origin=origin)
    assert ask(server, f"/record?on=1&token={server.token}", "POST", Origin=origin)[0] == 403


@pytest.mark.parametrize("origin", [None, "https://app.foxglove.dev", "null", "file://", "http://localhost:8080"])
def test_foxglove_and_the_desktop_programs_are_let_in(server: LiveServer, origin: str | None) -> None:
    with foxglove(server, origin=origin) as client:
        assert subscribe(client, {})["name"] == "rgbd-seg"


def test_the_pages_own_origin_is_let_in(server: LiveServer) -> None:
    with foxglove(server, origin=f"http://127.0.0.1:{server.port}") as client:
        assert subscribe(client, {})["name"] == "rgbd-seg"


def test_origins_can_be_chosen() -> None:
    with LiveServer(port=0, origins=["https://lab.example"]) as server:
        with pytest.raises(InvalidStatus, match="403"):
            foxglove(server, origin="null")
        with foxglove(server, origin="https://lab.example") as client:
            assert "sessionId" in subscribe(client, {})


@pytest.mark.parametrize("origin", ["lab.example", "https://lab.example/page", "ftp://lab.example", ""])
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(ConfigurationError, match="an origin looks like"):
        LiveServer(origins=[origin])


@pytest.mark.parametrize("token", ["", "short", "x" * 15, "é" * 20, "a b\n" * 8])
def test_a_token_that_can_be_guessed_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationError, match="at least 16"):
        LiveServer(token=token)


def test_two_servers_have_two_tokens_and_listen_on_loopback(server: LiveServer) -> None:
    with LiveServer(port=0) as other:
        assert other.token != server.token
        assert ask(other, f"/metrics?token={server.token}")[0] == 403
    assert server.page.startswith("http://127.0.0.1:")


def test_a_taken_port_is_said(server: LiveServer) -> None:
    with pytest.raises(ConfigurationError, match=str(server.port)):
        LiveServer(port=server.port).start()
    with pytest.raises(ConfigurationError, match=r"0\.\.65535"):
        LiveServer(port=70_000)
    with pytest.raises(ConfigurationError, match="no-such-host"):
        LiveServer(host="no-such-host.invalid").start()


def test_with_a_certificate_everything_is_encrypted(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*make, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    trust = ssl.create_default_context(cafile=certificate)
    with LiveServer(port=0, certificate=certificate, key=key) as server:
        assert server.page.startswith("https://")
        with connect(server.address, subprotocols=FOXGLOVE, ssl=trust) as client:  # type: ignore[arg-type]
            assert json.loads(client.recv(PATIENCE_S))["op"] == "serverInfo"
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=trust, timeout=PATIENCE_S)
        connection.request("GET", f"/?token={server.token}")
        assert "Secure" in str(connection.getresponse().headers["Set-Cookie"])
        connection.close()


def test_a_certificate_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "wrong.pem").write_text("no certificate")
    for name in ("wrong.pem", "missing.pem"):
        with pytest.raises(ConfigurationError, match=name):
            LiveServer(certificate=tmp_path / name)


def test_pictures_come_alone_and_as_motion_jpeg(server: LiveServer) -> None:
    assert ask(server, f"/overlay.jpg?token={server.token}")[0] == 503  # There is no frame yet.
    assert ask(server, f"/nothing.jpg?token={server.token}")[0] == 404
    server.publish(moment())
    assert ask(server, f"/overlay.jpg?token={server.token}")[1]["Content-Type"] == "image/jpeg"
    assert ask(server, f"/record?on=1&token={server.token}", "POST")[0] == 404  # Nobody is there to record.
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    with publishing(server):
        connection.request("GET", f"/depth.mjpg?token={server.token}")
        answer = connection.getresponse()
        stamps = []
        for _ in range(3):
            assert answer.readline() == b"--frame\r\n"
            head = dict(answer.readline().decode().strip().split(": ") for _ in range(3))
            answer.readline()
            assert cv2.imdecode(np.frombuffer(answer.read(int(head["Content-Length"])), np.uint8), 1) is not None
            answer.readline()
            stamps.append(float(head["X-Timestamp"]))
        answer.close()
        connection.close()
        wait_until(lambda: server.clients == 0)
    assert stamps == sorted(stamps)
