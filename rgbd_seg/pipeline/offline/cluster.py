"""Segmenting an archive of recordings on a Ray cluster: one task a recording, on machines that share a file system.

Ray places the tasks, repeats those whose worker dies, and tells when one ends. What "auto" means is decided once, where
the work is given out, so that all workers compute alike. `cluster_task.py` is what a worker does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rgbd_seg.errors import ConfigurationError, RgbdSegError
from rgbd_seg.inference import open_segmenter
from rgbd_seg.inference.available import backend_module, installed_backends
from rgbd_seg.inference.segmenter import SegmenterInfo, SegmenterOptions
from rgbd_seg.pipeline.offline.cluster_task import Arithmetic, Task, TaskResult, model_digest, segment_recording
from rgbd_seg.pipeline.offline.segment_source import SegmentOptions
from rgbd_seg.sensors import parse_uri

_RETRIES = 3  # When a worker or its machine dies; an error of the program itself comes back at once.
_LOCAL = "local"
_OBJECT_STORE_BYTES = 100 << 20  # Of a cluster of our own: pictures go through files and not through Ray.
_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """One recording and the folder for its results, as paths that every machine understands."""

    source: str
    output: Path


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended: its result, or the sentence that says why there is none."""

    job: Job
    done: TaskResult | None
    error: str = ""


def segment_on_cluster(
    jobs: Sequence[Job], model: Path, segmenter_options: SegmenterOptions, options: SegmentOptions, address: str
) -> Iterator[JobEnd]:
    """Segments recordings on a cluster; what an earlier run has finished is recognised and not done again.

    Args:
        jobs: What to do.
        model: The model file, as a path that every machine understands.
        segmenter_options: How to run it; a task takes `threads` cores, one if that is None.
        options: What is written.
        address: Of the cluster ("auto", "HOST:6379", "ray://HOST:10001"), or "local" for this machine alone.

    Yields:
        Each job as it ends, in the order of the ends. Whoever stops before the last ends those that still run.

    Raises:
        ConfigurationError: Something cannot be done on a cluster, Ray is not installed, or there is no such cluster.
        ModelError: The model cannot be used.
    """
    for job in jobs:
        _refuse_camera(job.source)
    if segmenter_options.precision == "int8":
        raise ConfigurationError(
            "int8 is calibrated on each machine by itself: choose another --precision for a cluster"
        )
    ray = _import_ray()
    _connect(ray, address)
    try:
        everyone, arithmetic = _decide(model, replace(segmenter_options, threads=segmenter_options.threads or 1))
        digest = model_digest(model)
        needs = {"num_cpus": everyone.threads, "num_gpus": int(everyone.device.startswith("cuda"))}
        _refuse_too_small(ray.cluster_resources(), needs, address)
        remote = ray.remote(max_retries=_RETRIES, **needs)(segment_recording)
        running = {
            remote.remote(Task(job.source, job.output, model, digest, everyone, arithmetic, options)): job
            for job in jobs
        }
        while running:
            ended, _ = ray.wait(list(running), num_returns=1, timeout=_WAIT_S)
            for reference in ended:
                yield _end_of(ray, running.pop(reference), reference)
    finally:
        ray.shutdown()  # Ends the tasks of this run that are still at work.


def pinned(options: SegmenterOptions, info: SegmenterInfo) -> SegmenterOptions:
    """Options that name the back end, device and precision of a loaded model.

    Args:
        options: What the model was loaded with.
        info: Of the loaded model, on this machine.
    """
    for choice in installed_backends():
        if choice.problem:
            continue
        module = backend_module(choice.name)
        if module.NAME == info.backend:
            device = next((found.name for found in module.devices() if found.title == info.device), options.device)
            return replace(options, backend=choice.name, device=device, precision=info.precision)
    return options


def _refuse_camera(source: str) -> None:
    uri = parse_uri(source)
    if uri.scheme != "file" and not uri.rest.startswith("file:"):
        raise ConfigurationError(f"{source} is no recording: --cluster takes files and folders that all machines see")


def _import_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise ConfigurationError(
            "--cluster needs Ray, which is not installed: pip install 'rgbd-seg[cluster]', or leave --cluster out"
        ) from None
    return ray


def _decide(model: Path, options: SegmenterOptions) -> tuple[SegmenterOptions, Arithmetic]:
    """What every worker is to do: "auto" as this machine understands it, but never int8, which a user may calibrate."""
    with open_segmenter(model, options) as segmenter:
        if segmenter.info.precision != "int8":
            return pinned(options, segmenter.info), Arithmetic.of(segmenter.info)
    return _decide(model, replace(options, precision="float32"))


def _connect(ray: Any, address: str) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address == _LOCAL:
            ray.init(address=_LOCAL, include_dashboard=False, object_store_memory=_OBJECT_STORE_BYTES, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise ConfigurationError(
            f"there is no Ray cluster at {address!r}: {str(error).strip()[:300]}. Start one with ray start --head (and "
            "set RAY_AUTH_MODE=token for one that asks for a token), or say --cluster local"
        ) from None


def _refuse_too_small(there: dict[str, float], needs: dict[str, Any], address: str) -> None:
    """Without this, tasks that no machine can take would wait for ever."""
    for resource, name in (("CPU", "num_cpus"), ("GPU", "num_gpus")):
        if there.get(resource, 0) < needs[name]:
            raise ConfigurationError(
                f"the cluster at {address!r} has {there.get(resource, 0):g} {resource}s, and a task needs {needs[name]}"
                ": choose another --device, or add machines"
            )


def _end_of(ray: Any, job: Job, reference: Any) -> JobEnd:
    try:
        return JobEnd(job, ray.get(reference))
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        text = str(cause) if isinstance(cause, RgbdSegError) else f"{type(cause).__name__}: {str(cause)[:500]}"
        return JobEnd(job, None, text)
    except ray.exceptions.RayError as error:
        return JobEnd(job, None, f"its worker died {_RETRIES + 1} times: {str(error).strip()[:300]}")
