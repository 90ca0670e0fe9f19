"""Reports: the same rows as text, Markdown and JSON."""

from __future__ import annotations

import json

import pytest

from rgbd_seg.machine import Machine, describe_machine
from rgbd_seg.report import Column, Report


@pytest.fixture
def report() -> Report:
    machine = Machine("Test CPU", 2, ("avx2",), 8.0, (), "Linux x86_64, Python 3", {"torch": "2"})
    columns = (Column("name", "back end"), Column("ms", "median ms"), Column("ratio", "x", 2))
    rows = ({"name": "torch", "ms": 100.0, "ratio": 1.0}, {"name": "openvino", "ms": 25.04, "ratio": float("nan")})
    return Report("Inference", machine, columns, rows, ("Interleaved.",))


def test_text_aligns_numbers_to_the_right(report: Report) -> None:
    lines = report.render("text").splitlines()
    assert lines[0] == "Inference"
    assert "torch         100.0  1.00" in lines[5]
    assert lines[6] == "openvino       25.0     -"
    assert lines[-1] == "Interleaved."


def test_markdown_is_a_table(report: Report) -> None:
    lines = report.render("markdown").splitlines()
    assert "| back end | median ms | x |" in lines
    assert "| --- | ---: | ---: |" in lines
    assert "| openvino | 25.0 | - |" in lines


def test_json_keeps_full_numbers_and_turns_nan_into_null(report: Report) -> None:
    data = json.loads(report.render("json"))
    assert data["rows"][1] == {"name": "openvino", "ms": 25.04, "ratio": None}
    assert data["machine"]["cpu"] == "Test CPU"


def test_this_machine_has_a_processor_and_memory() -> None:
    machine = describe_machine()
    assert machine.cpu
    assert machine.cores >= 1
    assert machine.memory_gib > 0
    assert "numpy" in machine.versions
