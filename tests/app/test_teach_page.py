"""The page "your own classes in ten minutes", step by step, with the hands of a person in a real window."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from rgbd_seg.labelling.data_set import DataSet
from rgbd_seg.recording.mcap.writer import RecordingWriter
from tests.app.test_labelling import CAMERA, scene
from tests.app.test_real_window import Person, screen, wait_for  # noqa: F401 (a fixture)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool"),
    pytest.mark.slow,
    pytest.mark.timeout(1800),
]


def clicks(person: Person, dx: int = 0, dy: int = 0) -> None:
    """Clicks so far from the middle of the window, which lies in the picture."""
    shape = subprocess.run(
        ["xdotool", "getwindowgeometry", "--shell", person.window],
        env=person._screen,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    facts = dict(line.split("=") for line in shape.split())
    x, y = int(facts["X"]) + int(facts["WIDTH"]) // 2 + dx, int(facts["Y"]) + int(facts["HEIGHT"]) // 2 + dy
    person.xdotool("mousemove", str(x), str(y), "click", "1")


def test_from_a_recording_to_a_loaded_model(screen: dict[str, str], tmp_path: Path) -> None:  # noqa: F811
    walk = tmp_path / "walk.mcap"
    with RecordingWriter(walk, CAMERA, name="walk") as writer:
        for index in range(12):
            writer.write(scene(index))
    person = Person(screen, tmp_path, str(walk))
    try:
        follows_the_page(person, tmp_path)
    finally:
        person.ends_at_once()


def follows_the_page(person: Person, tmp_path: Path) -> None:
    """Labels, lets labels travel, teaches, and loads what was learned."""
    labels = tmp_path / "walk labels"

    def states() -> list[str]:
        return sorted(DataSet(labels).states.values()) if (labels / "frames.json").is_file() else []

    # 2. Label: two classes, two frames.
    def draws() -> bool:
        """A rectangle of a pixel shows that label mode has the keys."""
        person.presses("r")
        clicks(person)
        return bool(states())

    person.takes_a_snapshot(tmp_path / "kept", "snapshot.json")
    person.presses("e")
    wait_for("label mode", draws)
    person.presses("ctrl+z", "l")
    person.xdotool("type", "--delay", "30", "box")
    person.presses("Return", "g")
    clicks(person)
    wait_for("the box", lambda: "box" in (labels / "labels.json").read_text())
    person.presses("l")
    person.xdotool("type", "--delay", "30", "wall")
    person.presses("Return", "w")
    clicks(person, -220, -160)
    wait_for("the wall", lambda: "wall" in (labels / "labels.json").read_text())
    ways = itertools.cycle(("Left", "Right", "Right"))  # There may be none before the first, or behind the last.

    def labels_another() -> bool:
        """A click that comes before the frame is there is for nothing."""
        person.presses(next(ways))
        clicks(person, -220, -160)
        return states().count("done") >= 2

    wait_for("a second frame", labels_another)

    # 3. Travel.
    person.presses("t")
    wait_for("labels that travel", lambda: states().count("travelled") >= 6)

    # 4. Teach, from the same place.
    person.presses("ctrl+t")
    dialog = str(wait_for("the form", lambda: person.xdotool("search", "--onlyvisible", "--name", "^Train a model$")))

    def begins() -> list[Path]:
        person.xdotool("windowfocus", "--sync", dialog)
        person.xdotool("key", "Return")
        return list((tmp_path / "kept" / "training").glob("*/plan.json"))

    run = wait_for("the training", begins)[0].parent  # type: ignore[index]
    assert json.loads((run / "plan.json").read_text())["data"] == str(labels)
    wait_for("what it learns", lambda: '"validation"' in _text(run / "metrics.jsonl"))
    (run / "stop").touch()  # As "Stop and keep the best" does.
    model = wait_for("the model", lambda: list(run.glob("*.safetensors")))[0]  # type: ignore[index]

    # 5. Look at it.
    person.presses("e", "m")
    person.types("Load a model", str(model))
    settings = tmp_path / "settings.json"
    wait_for("the loaded model", lambda: json.loads(settings.read_text()).get("model") == str(model))
    # While the run still ends, the window would say so and stay.
    wait_for("the end of the run", lambda: json.loads((run / "state.json").read_text())["stage"] == "finished")
    person.leaves(lambda: person.presses("ctrl+q"))


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
