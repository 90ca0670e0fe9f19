"""One person at one data set: classes that come and go, and strokes that outlive a change of frames."""

from __future__ import annotations

import numpy as np
import pytest

from rgbd_seg.calibration import Calibration, Intrinsics
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.frame import RgbdFrame, Segmentation
from rgbd_seg.labelling.session import LabellingSession
from rgbd_seg.labels import LabelSet

SIZE = (12, 16)
CAMERA = Calibration(Intrinsics(16, 12, 15.0, 15.0, 7.5, 5.5))
FRAME = RgbdFrame(np.zeros((*SIZE, 3), np.uint8), np.ones(SIZE, np.uint16), CAMERA, 0, 0)
BEGUN = LabelSet.from_dict({"name": "labels", "classes": ["object"]})


def mask(rows: slice) -> np.ndarray:
    result = np.zeros(SIZE, bool)
    result[rows] = True
    return result


@pytest.fixture
def session() -> LabellingSession:
    session = LabellingSession(["a", "b"], BEGUN)
    session.open("a", FRAME, None, None)
    return session


def test_the_first_name_takes_the_placeholder_and_later_ones_are_added(session: LabellingSession) -> None:
    assert session.add_class("cup") == 1
    session.paint(mask(slice(2)), 1)
    assert session.add_class("plate") == 2
    assert session.add_class("cup") == 1
    assert session.label_set.names == ("cup", "plate")
    with pytest.raises(ConfigurationError, match="1 to 100 characters"):
        session.add_class("  ")


def test_strokes_can_be_undone_after_a_look_at_another_frame(session: LabellingSession) -> None:
    session.paint(mask(slice(2)), 1)
    painted = session.labels
    session.open("b", FRAME, None, None)
    assert not session.undo()
    session.open("a", FRAME, painted.copy(), "done")
    assert session.undo()
    assert not session.labels.any()
    assert session.redo()
    assert np.array_equal(session.labels, painted)


def test_strokes_on_labels_that_another_window_changed_are_forgotten(session: LabellingSession) -> None:
    session.paint(mask(slice(2)), 1)
    session.open("b", FRAME, None, None)
    session.open("a", FRAME, np.full(SIZE, 1, np.uint8), "done")
    assert not session.undo()


def test_a_draft_brings_its_classes_and_never_paints_over_a_person(session: LabellingSession) -> None:
    session.add_class("mine")
    session.paint(mask(slice(2)), 1)
    seen = LabelSet.from_dict({"name": "model", "classes": ["floor", "wall", "mine"]})
    labels = np.full(SIZE, 2, np.uint8)
    confidence = np.full(SIZE, 250, np.uint8)
    confidence[10:] = 10
    assert session.draft(Segmentation(FRAME, labels, confidence, seen))
    assert session.label_set.names == ("mine", "wall")
    assert (session.labels[:2] == 1).all()
    assert (session.labels[2:10] == 2).all()
    assert not session.labels[10:].any()
    assert session.state == "done"
    session.open("b", FRAME, None, None)
    session.draft(Segmentation(FRAME, labels, None, seen))
    assert session.state == "draft"


def test_merging_moves_ids_on_the_open_frame_too(session: LabellingSession) -> None:
    for name in ("cup", "mug", "plate"):
        session.add_class(name)
        session.paint(mask(slice(session.label_set.id_of(name) * 2, None)), session.label_set.id_of(name))
    session.active = 3
    label_set, moved = session.merged(2, 1)
    session.adopt_classes(label_set, moved)
    assert session.label_set.names == ("cup", "plate")
    assert session.active == 2
    assert np.unique(session.labels).tolist() == [0, 1, 2]
    with pytest.raises(ConfigurationError, match="into itself"):
        session.merged(1, 1)
