"""The losses against what they stand for."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from training.network.loss import VOID, lovasz_softmax, targets


def sure_of(classes: torch.Tensor) -> torch.Tensor:
    """Logits (N, 5, h, w) of a network that is certain of its answer, with one class more than occurs."""
    return functional.one_hot(classes, 5).movedim(-1, 1).float() * 100


@pytest.fixture
def answer() -> torch.Tensor:
    return torch.randint(0, 4, (2, 20, 30), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def truth() -> torch.Tensor:
    return targets(torch.randint(0, 5, (2, 20, 30), generator=torch.Generator().manual_seed(2)))


def test_lovasz_of_hard_answers_is_one_minus_the_mean_iou(answer: torch.Tensor, truth: torch.Tensor) -> None:
    known = truth != VOID
    ious = [((answer == c) & (truth == c)).sum() / (known & ((answer == c) | (truth == c))).sum() for c in range(4)]

    assert lovasz_softmax(sure_of(answer), truth, torch.ones(2)).item() == pytest.approx(1 - sum(ious).item() / 4)


def test_lovasz_counts_a_picture_as_often_as_its_weight_says(answer: torch.Tensor, truth: torch.Tensor) -> None:
    thrice = [0, 1, 1, 1]

    weighted = lovasz_softmax(sure_of(answer), truth, torch.tensor([1.0, 3.0]))
    without_second = lovasz_softmax(sure_of(answer), truth, torch.tensor([1.0, 0.0]))

    assert weighted.item() == pytest.approx(
        lovasz_softmax(sure_of(answer[thrice]), truth[thrice], torch.ones(4)).item()
    )
    assert without_second.item() == pytest.approx(lovasz_softmax(sure_of(answer[:1]), truth[:1], torch.ones(1)).item())


def test_lovasz_of_a_large_batch_is_taken_on_a_grid() -> None:
    generator = torch.Generator().manual_seed(3)
    truth = torch.randint(0, 2, (2, 8, 8), generator=generator).repeat_interleave(64, 1).repeat_interleave(64, 2)
    answer = torch.randint(0, 2, (2, 8, 8), generator=generator)
    large = answer.repeat_interleave(64, 1).repeat_interleave(64, 2)

    assert lovasz_softmax(sure_of(large), truth, torch.ones(2)).item() == pytest.approx(
        lovasz_softmax(sure_of(answer), truth[:, ::64, ::64], torch.ones(2)).item(), abs=0.03
    )


def test_descending_on_lovasz_finds_the_class_that_is_rare() -> None:
    truth = torch.zeros(1, 16, 16, dtype=torch.int64)
    truth[0, 3, 4:6] = 1
    logits = torch.zeros(1, 2, 16, 16)
    logits[:, 0] = 3.0  # Cross entropy is content: 254 of 256 pixels are right.
    logits.requires_grad_()

    for _ in range(30):
        (gradient,) = torch.autograd.grad(lovasz_softmax(logits, truth, torch.ones(1)), logits)
        with torch.no_grad():
            logits -= 100 * gradient

    assert (logits.argmax(1) == truth).all()


def test_lovasz_of_a_batch_without_labels_is_nothing_and_can_be_descended() -> None:
    logits = torch.ones(1, 3, 4, 4, requires_grad=True)

    loss = lovasz_softmax(logits, torch.full((1, 4, 4), VOID), torch.ones(1))
    loss.backward()

    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()
