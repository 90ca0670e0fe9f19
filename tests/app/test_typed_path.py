"""Paths that were typed: what can be none is refused in a sentence, and nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from rgbd_seg.app.typed_path import new_path, typed_path
from rgbd_seg.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("~nobody-of-that-name/x", "home folder"),
        ("y" * 300, "too long: yyy"),
        ("a\0b", "null"),
    ],
)
def test_what_can_be_no_path_is_refused_in_a_short_sentence(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as refused:
        typed_path(text)
    assert len(str(refused.value)) < 120


def test_a_new_file_lies_in_the_proposed_folder_and_never_over_or_inside_another_file(tmp_path: Path) -> None:
    there = tmp_path / "there.mcap"
    there.touch()
    assert typed_path(" ~ ") == Path.home()
    assert new_path("one.mcap", tmp_path) == tmp_path / "one.mcap"
    assert new_path(str(tmp_path / "new" / "one.mcap"), Path("elsewhere")) == tmp_path / "new" / "one.mcap"
    for text, why in (("", "new file"), ("there.mcap", "overwritten"), ("there.mcap/inside.mcap", "is a file")):
        with pytest.raises(ConfigurationError, match=why):
            new_path(text, tmp_path)
