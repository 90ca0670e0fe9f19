"""Classes of a model and of data that have other ones."""

import numpy as np
import pytest

from rgbd_seg.class_matching import match_classes
from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from rgbd_seg.scores import class_ious, confusion_matrix, mean_iou


def label_set(*names: str) -> LabelSet:
    return LabelSet.from_dict({"name": "some", "classes": list(names)})


def test_classes_match_by_name_in_any_order_and_spelling():
    matching = match_classes(label_set("Night stand", "wall", "person"), label_set("wall", "night_stand", "door"))
    assert matching.names == ("Night stand", "wall")
    assert matching.predicted[:4].tolist() == [0, 1, 2, 0]
    assert matching.truth[:4].tolist() == [0, 2, 1, 0]
    assert (matching.only_predicted, matching.only_truth) == (("person",), ("door",))
    assert "the pixels of door" in matching.left_out
    assert "person" in matching.left_out


def test_a_class_is_matched_with_several_of_the_other_side():
    model, data = label_set("wall", "seat"), label_set("chair", "wall", "sofa")
    matching = match_classes(model, data, {"seat": ["chair", "sofa"]})
    assert matching.names == ("wall", "seat")
    assert matching.truth[:4].tolist() == [0, 2, 1, 2]
    assert matching.left_out == ""
    truth, predicted = np.array([[1, 2, 3, 1]], np.uint8), np.array([[2, 1, 2, 1]], np.uint8)
    matrix = confusion_matrix(matching.truth[truth], matching.predicted[predicted], 2)
    assert class_ious(matrix).tolist() == pytest.approx([1 / 2, 2 / 3])
    # Without the mapping nothing counts as 0 that one side alone knows.
    plain = match_classes(model, data)
    assert plain.names == ("wall",)
    assert mean_iou(confusion_matrix(plain.truth[truth], plain.predicted[predicted], 1)) == 1.0


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"seat": ["stool"]}, "neither the model nor the data have a class 'stool'"),
        ({"seat": ["chair"], "thing": ["chair"]}, "'chair' is mapped to both"),
        ({"seat": []}, "have a class 'seat'"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(mapping, message: str):
    with pytest.raises(ConfigurationError, match=message):
        match_classes(label_set("wall", "seat"), label_set("chair", "wall"), mapping)


def test_nothing_in_common_is_refused():
    with pytest.raises(ConfigurationError, match="no class in common: the model has seat, the data chair"):
        match_classes(label_set("seat"), label_set("chair"))
