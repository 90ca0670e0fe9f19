"""Label sets: the built-in ones, people's own, and text that is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import BUILT_IN, MAX_CLASSES, LabelClass, LabelSet, distinct_colors

if TYPE_CHECKING:
    from pathlib import Path


def test_sunrgbd37_is_the_published_list_in_its_order() -> None:
    labels = LabelSet.load("sunrgbd37")
    assert len(labels) == 37
    assert labels.names[:6] == ("wall", "floor", "cabinet", "bed", "chair", "sofa")
    assert [labels.id_of(name) for name in ("wall", "floor_mat", "night_stand", "bag")] == [1, 20, 32, 37]


@pytest.mark.parametrize(("name", "count"), [("sunrgbd13", 13), ("sunrgbd37", 37), ("nyu40", 40)])
def test_built_in_sets_have_their_classes_in_distinct_colours(name: str, count: int) -> None:
    labels = LabelSet.load(name)
    assert len(labels) == count
    assert len({one.color for one in labels.classes}) == count
    assert (0, 0, 0) not in {one.color for one in labels.classes}
    assert set(BUILT_IN) == {"sunrgbd13", "sunrgbd37", "nyu40"}


def test_ids_begin_at_one_and_zero_is_unlabelled() -> None:
    labels = LabelSet.from_dict({"classes": ["a", "b"]})
    assert [labels.name_of(i) for i in (-1, 0, 1, 2, 3, 255)] == ["unlabelled"] * 2 + ["a", "b"] + ["unlabelled"] * 2
    with pytest.raises(ConfigurationError, match="no class 'c'"):
        labels.id_of("c")


def test_the_palette_is_black_where_nothing_is() -> None:
    labels = LabelSet("two", (LabelClass("a", (1, 2, 3)), LabelClass("b", (4, 5, 6))))
    table = labels.palette()
    assert table.shape == (256, 3)
    assert table.dtype == np.uint8
    assert table[:3].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert not table[3:].any()


_names = st.lists(st.text(min_size=1, max_size=20).filter(str.strip), min_size=1, max_size=30, unique=True)
_colors = st.tuples(*[st.integers(0, 255)] * 3)


@settings(deadline=None)
@given(_names, st.data())
def test_json_keeps_names_colours_and_order(names: list[str], data: st.DataObject) -> None:
    labels = LabelSet("any", tuple(LabelClass(name, data.draw(_colors)) for name in names))
    assert LabelSet.from_json(labels.to_json()) == labels
    assert LabelSet.from_dict(json.loads(json.dumps(labels.to_dict()))) == labels


def test_bare_names_get_distinct_colours() -> None:
    labels = LabelSet.from_dict({"classes": [f"class {i}" for i in range(MAX_CLASSES)]})
    assert len({one.color for one in labels.classes}) > 240


def test_neighbouring_distinct_colours_are_far_apart() -> None:
    colors = np.array(distinct_colors(12), int)
    nearest = min(np.abs(a - b).sum() for i, a in enumerate(colors) for b in colors[:i])
    assert nearest > 60


def test_renaming_and_recolouring_make_a_copy() -> None:
    labels = LabelSet.from_dict({"classes": ["a", "b"]})
    changed = labels.with_class(2, name="c", color=(9, 8, 7))
    assert changed.names == ("a", "c")
    assert changed.classes[1].color == (9, 8, 7)
    assert labels.names == ("a", "b")
    for label in (0, 3):
        with pytest.raises(ConfigurationError, match=r"1\.\.2"):
            labels.with_class(label, name="x")
    with pytest.raises(ConfigurationError, match="twice"):
        labels.with_class(2, name="a")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "must hold"),
        ('{"classes": 3}', "must hold"),
        ('{"classes": []}', "0 classes"),
        ('{"classes": [1]}', "must be a name"),
        ('{"classes": [{"name": 1}]}', "must be a name"),
        ('{"classes": [" "]}', "1 to 100 characters"),
        ('{"classes": ["a", "a"]}', "twice"),
        ('{"classes": [{"name": "a", "color": [1, 2]}]}', "three numbers"),
        ('{"classes": [{"name": "a", "color": [1, 2, 256]}]}', "three numbers"),
        ('{"classes": [{"name": "a", "color": "red"}]}', "three numbers"),
        (json.dumps({"classes": [str(i) for i in range(255)]}), "at most 254"),
    ],
)
def test_text_that_is_no_label_set_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as error:
        LabelSet.from_json(text, "mine.json")
    assert "mine.json" in str(error.value) or reason in ("0 classes", "twice", "1 to 100 characters", "three numbers")


def test_files_are_named_when_they_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.json"):
        LabelSet.load(tmp_path / "gone.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"binary\.json"):
        LabelSet.load(tmp_path / "binary.json")
    (tmp_path / "huge.json").write_bytes(b" " * 1_000_001)
    with pytest.raises(ConfigurationError, match="too large"):
        LabelSet.load(tmp_path / "huge.json")
    good = tmp_path / "good.json"
    good.write_text(LabelSet.load("nyu40").to_json())
    assert LabelSet.load(good) == LabelSet.load("nyu40")
