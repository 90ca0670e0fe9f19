"""The types that other programs see: the examples under `mypy --strict`, and what a stream yields."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import rgbd_seg
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "docs" / "examples"
# The others need libraries that are no dependencies of the tests.
CHECKED = ("robot_stop", "count_regions", "browser", "numpy_pair", "train_dataset")
_REVEALED = """
import rgbd_seg
for frame, nothing in rgbd_seg.stream("synthetic:"):
    reveal_type(nothing)
for frame, result in rgbd_seg.stream("synthetic:", "demo", min_confidence=0.5):
    reveal_type(result)
    reveal_type(frame.depth_m)
    reveal_type(result.labels)
    reveal_type(result.label_set)
    reveal_type(result.points(labels=True))
with rgbd_seg.open_model() as model:
    reveal_type(model(frame))
"""


# Where the lint rules have not just filled the cache, the check takes minutes of processor time.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy says of programs that use this one, with the strictness and the cache of the lint rules."""
    revealed = tmp_path_factory.mktemp("user") / "revealed.py"
    revealed.write_text(_REVEALED)
    examples = [str(EXAMPLES / f"{name}.py") for name in CHECKED]
    command = [sys.executable, "-m", "mypy", *examples, str(revealed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return done.stdout + done.stderr


def test_every_example_passes_the_strict_check(said: str) -> None:
    assert "error:" not in said
    assert "Success" in said


def test_a_stream_with_a_model_yields_results_that_have_labels(said: str) -> None:
    types = [line.split('"')[1] for line in said.splitlines() if "Revealed type" in line]
    assert types[0].endswith("Segmentation")
    assert types[1].endswith("Result")
    assert "float" in types[2]
    assert "unsignedinteger" in types[3]
    assert "None" not in types[3]
    assert types[4].endswith("LabelSet")
    assert types[5].startswith("tuple[")
    assert types[6].endswith("Result")


def test_what_is_offered_is_what_is_listed() -> None:
    assert sorted({*rgbd_seg._OFFERED, "__version__"}) == sorted(rgbd_seg.__all__)
    for name in rgbd_seg.__all__:
        assert getattr(rgbd_seg, name) is not None
