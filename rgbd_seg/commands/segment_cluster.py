"""The part of `rgbd-seg segment` that gives recordings out to a Ray cluster."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rgbd_seg.inference.segmenter import SegmenterOptions
    from rgbd_seg.pipeline.offline.segment_source import SegmentOptions, SegmentResult


def segment_on_cluster(
    sources: Sequence[str],
    outputs: Sequence[Path],
    model: Path,
    segmenter_options: SegmenterOptions,
    options: SegmentOptions,
    address: str,
) -> Iterator[SegmentResult | None]:
    """Segments recordings on a cluster, with a progress bar.

    Yields:
        Each result as it comes in; None for a recording that could not be done, after saying why.
    """
    from rgbd_seg.commands.progress import progress_bar
    from rgbd_seg.pipeline.offline import cluster

    jobs = [cluster.Job(_absolute(source), output.resolve()) for source, output in zip(sources, outputs, strict=True)]
    with progress_bar("recordings", unit=" recordings") as show:
        ends = cluster.segment_on_cluster(jobs, model.resolve(), segmenter_options, options, address)
        for number, end in enumerate(ends, 1):
            show(number, len(jobs))
            if end.done is None:
                print(f"rgbd-seg: {end.job.source}: {end.error}", file=sys.stderr)
                yield None
                continue
            if end.done.earlier:
                print(f"{end.done.result.output}: finished by an earlier run", file=sys.stderr)
            yield end.done.result


def _absolute(source: str) -> str:
    """A recording's path from the root; options behind it stay."""
    if Path(source).exists():
        return str(Path(source).resolve())
    path, mark, options = source.partition("?")
    return f"{Path(path).resolve()}{mark}{options}" if Path(path).exists() else source
