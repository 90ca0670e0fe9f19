"""The layer table of the published network, row by row where it was published, and its chart."""

from __future__ import annotations

import numpy as np
import pytest

from rgbd_seg.models.chart import draw_chart
from rgbd_seg.models.deresunet import DeResUNetConfig
from rgbd_seg.models.summary import LayerCount, LayerRow, count_by_type, layer_table


@pytest.fixture(scope="module")
def published() -> list[LayerRow]:
    return layer_table(DeResUNetConfig(50), (480, 640))


def test_published_totals(published: list[LayerRow]) -> None:
    assert len(published) == 399
    assert sum(row.parameters for row in published) == 203_780_570
    assert round(sum(row.operations for row in published) / 1e9, 1) == 428.5


def test_published_tail(published: list[LayerRow]) -> None:
    tail = [row for row in published[-6:] if row.type != "ConvBnRelu"]
    assert [(row.type, row.output_shape, row.parameters) for row in tail] == [
        ("PixelShuffle", (16, 480, 640), 0),
        ("Conv2d", (8, 480, 640), 1160),
        ("BatchNorm2d", (8, 480, 640), 16),
        ("ReLU", (8, 480, 640), 0),
        ("Conv2d", (50, 480, 640), 450),
    ]


def test_decoder_has_the_published_widths(published: list[LayerRow]) -> None:
    blocks = {row.path: row for row in published}
    assert blocks["encoder"].output_shape == (4096, 15, 20)
    assert blocks["bottleneck.1"].output_shape == (2048, 15, 20)
    shapes = [blocks[f"up.{i}"].output_shape for i in range(4)]
    assert shapes == [(1024, 30, 40), (512, 60, 80), (256, 120, 160), (64, 240, 320)]


def test_counts_by_layer_type(published: list[LayerRow]) -> None:
    assert count_by_type(published) == [
        LayerCount("Conv2d", 118, 203_658_698),
        LayerCount("BatchNorm2d", 117, 121_872),
        LayerCount("ReLU", 109, 0),
        LayerCount("MaxPool2d", 2, 0),
        LayerCount("PixelShuffle", 5, 0),
    ]


def test_operations_of_one_layer_by_hand(published: list[LayerRow]) -> None:
    stem = next(row for row in published if row.path == "encoder.color.conv1")
    assert stem.operations == 2 * (64 * 3 * 7 * 7) * (240 * 320)


def test_chart_has_bars_in_proportion() -> None:
    counts = [LayerCount("Conv2d", 4, 1000), LayerCount("ReLU", 2, 0)]
    picture = draw_chart(counts, "a title")
    assert picture.dtype == np.uint8
    lengths = [int((picture == color).all(axis=-1).sum(axis=1).max()) for color in ((249, 156, 79), (36, 165, 245))]
    assert min(lengths) > 300  # The longest bar of each half fills its space.
    rows = (picture == (249, 156, 79)).all(axis=-1).sum(axis=1)
    assert sorted(set(rows[rows > 0].tolist())) == pytest.approx([lengths[0] / 2, lengths[0]], abs=2)
