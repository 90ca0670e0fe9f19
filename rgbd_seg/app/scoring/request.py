"""What is to be scored, and what came of it. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rgbd_seg.errors import ConfigurationError, ModelError, RgbdSegError
from rgbd_seg.labelling.data_set import DataSet
from rgbd_seg.labelling.frames import RecordedFrames
from rgbd_seg.pipeline.offline.score_source import score_source
from rgbd_seg.sensors import open_any_recording, open_sensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.pipeline.model_slot import Opener
    from rgbd_seg.pipeline.offline.score_source import SourceScore


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Which models are scored on what.

    Attributes:
        folder: A labelled folder or recording.
        models: What people call them, and their files; the old one before the new one.
        mapping: Classes that are one and the same, by the name that they are scored under.
        only: Names of the frames that are scored; () for all.
    """

    folder: Path
    models: Sequence[tuple[str, Path]]
    mapping: Mapping[str, Sequence[str]] = field(default_factory=dict)
    only: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """Scores by model.

    Attributes:
        scores: By what people call the model, in the order asked for.
        problems: Why a model has none, by the same name.
    """

    scores: Mapping[str, SourceScore]
    problems: Mapping[str, str]


def score(
    request: ScoreRequest,
    opener: Opener,
    options: SegmenterOptions,
    progress: Callable[[str, float], None],
    cancelled: Callable[[], bool],
) -> ScoreResult:
    """Scores one model after the other; takes long.

    Args:
        request: What is wanted.
        opener: Opens model files.
        options: How they run.
        progress: Called with the name of the model and the share of all work that is done, 0..1.
        cancelled: Asked before each frame; True ends it with what there is.

    Raises:
        RgbdSegError: The folder cannot be read, or none of the models can be scored on it.
    """
    only = _positions(request) if request.only else None
    scores: dict[str, SourceScore] = {}
    problems: dict[str, str] = {}
    for number, (name, path) in enumerate(request.models):
        progress(name, number / len(request.models))

        def show(done: int, total: int | None, name: str = name, number: int = number) -> None:
            progress(name, (number + (done / total if total else 0.0)) / len(request.models))

        try:
            with opener(path, options, lambda _stage, _part: None) as segmenter:
                scores[name] = score_source(
                    open_sensor(str(request.folder)),
                    segmenter,
                    mapping=request.mapping,
                    only=only,
                    cancelled=cancelled,
                    progress=show,
                )
        except (ModelError, ConfigurationError) as error:  # The others may do.
            problems[name] = str(error)
        if cancelled():
            break
    if not scores and not cancelled():
        raise RgbdSegError("; ".join(dict.fromkeys(problems.values())) or "choose at least one model")
    return ScoreResult(scores, problems)


def _positions(request: ScoreRequest) -> frozenset[int]:
    frames = RecordedFrames(open_any_recording(request.folder), DataSet(request.folder))
    frames.close()
    wanted = set(request.only)
    found = frozenset(position for position, name in enumerate(frames.names) if name in wanted)
    if not found:
        raise ConfigurationError(f"{request.folder} has none of the frames that were held out: {request.only[0]}, …")
    return found
