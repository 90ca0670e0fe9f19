"""The table of sources' options: it offers what drivers and layouts accept, and says what is wrong beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rgbd_seg.recording.messages.options import OPTIONS as TOPIC_OPTIONS
from rgbd_seg.recording.pictures.pair_reader import OPTIONS as FOLDER_OPTIONS
from rgbd_seg.sensors import open_sensor, parse_uri
from rgbd_seg.sensors.drivers.replay import OWN_OPTIONS
from rgbd_seg.sensors.drivers.synthetic import OPTIONS as ROOM_OPTIONS
from rgbd_seg.sensors.options import options_of, problem_of, with_option

if TYPE_CHECKING:
    from pathlib import Path


def names(uri: str) -> set[str]:
    return {option.name for option in options_of(uri)}


def test_what_is_offered_is_what_is_read(tmp_path: Path) -> None:
    assert names("synthetic:") == set(ROOM_OPTIONS)
    own = set(OWN_OPTIONS) - {"realtime"}  # Of a vendor's player alone.
    assert names(str(tmp_path / "walk.bag")) == own | set(TOPIC_OPTIONS) - {"invalid_depth"}
    assert names(str(tmp_path)) >= own | set(FOLDER_OPTIONS)


def test_every_choice_of_a_room_opens() -> None:
    for option in options_of("synthetic:"):
        for value, _ in option.choices:
            uri = with_option("synthetic:", option.name, value)
            assert problem_of(uri) == ""
            open_sensor(uri)


def test_options_are_set_and_taken_out_again(tmp_path: Path) -> None:
    uri = with_option(with_option("synthetic:", "seed", "3"), "room", "kitchen")
    assert uri == "synthetic:?seed=3&room=kitchen"
    assert with_option(with_option(uri, "seed", ""), "room", "") == "synthetic:"
    odd = str(tmp_path / "a b.bag")
    topic = with_option(odd, "color", "/camera/a&b=c d")
    assert parse_uri(topic).rest == odd
    assert parse_uri(topic).options == {"color": "/camera/a&b=c d"}


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("synthetic:?seed=much", "whole number"),
        ("synthetic:?room=castle", "one of kitchen"),
        ("nowhere.mcap", "no file or folder"),
        ("zed:1", "no kind of source called 'zed'"),
        ("realsense:12?seed=1", "unknown option 'seed'"),
        ("synthetic:?seed=1&seed=2", "given twice"),
    ],
)
def test_what_is_wrong_is_said_before_it_is_opened(uri: str, words: str) -> None:
    assert words in problem_of(uri)
