"""Figures of whoever publishes: for the page, and in Prometheus' text form."""

from __future__ import annotations

from typing import Any

import numpy as np
import psutil

from rgbd_seg.frame import Segmentation
from rgbd_seg.measurements import measure
from rgbd_seg.pipeline.status import State, Status
from rgbd_seg.serving.contents import Contents
from rgbd_seg.serving.desk import Desk

_MOST_CLASSES = 40


class Figures:
    """Takes what there is to say now; used by one thread at a time.

    Args:
        desk: Whoever publishes; None where nothing is known of it.
    """

    def __init__(self, desk: Desk | None) -> None:
        self._desk = desk
        self._process = psutil.Process()

    def take(self, contents: Contents | None) -> dict[str, Any]:
        """For the page: rates, state, recording, and the classes in view with share, area and distance."""
        figures: dict[str, Any] = {"classes": [] if contents is None else _classes(contents.segmentation)}
        if self._desk is not None:
            figures |= _state(self._desk.status())
            figures["note"] = self._desk.note
        return figures

    def prometheus(self, viewers: int, dropped: int, behind_s: float | None) -> str:
        """For Prometheus, in its text form 0.0.4.

        Args:
            viewers: Clients that get frames.
            dropped: Clients that were dropped because they did not read.
            behind_s: From a frame's arrival until the slowest client has read it; None where nobody has.
        """
        rows = [
            ("rgbd_seg_viewers", "gauge", "clients that get frames", viewers),
            ("rgbd_seg_viewers_dropped_total", "counter", "clients that did not read and were dropped", dropped),
            ("rgbd_seg_viewer_behind_seconds", "gauge", "from arrival until the slowest client has it", behind_s),
            ("process_resident_memory_bytes", "gauge", "memory of the process", self._process.memory_info().rss),
            (
                "process_cpu_seconds_total",
                "counter",
                "processor time of the process",
                sum(self._process.cpu_times()[:2]),
            ),
        ]
        if self._desk is not None:
            rows += _rows(self._desk.status())
        lines = []
        for name, kind, words, value in rows:
            if value is not None:
                lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}", f"{name} {value:.10g}"]
        return "\n".join(lines) + "\n"


def _rows(status: Status) -> list[tuple[str, str, str, float | None]]:
    recorder = status.recorder
    recording = recorder is not None and recorder.state == "recording"
    return [
        ("rgbd_seg_source_up", "gauge", "1 while frames come", status.state is State.RUNNING),
        ("rgbd_seg_source_reopened_total", "counter", "times a lost camera came back", status.reopened),
        ("rgbd_seg_frames_captured_total", "counter", "frames that arrived", status.captured),
        ("rgbd_seg_frames_missed_total", "counter", "frames that the source counted and nobody got", status.missed),
        ("rgbd_seg_silent_seconds_total", "counter", "seconds in which a running source sent nothing", status.silent_s),
        ("rgbd_seg_frames_segmented_total", "counter", "frames with a result", status.segmented),
        ("rgbd_seg_frames_skipped_total", "counter", "frames passed over for newer ones", status.skipped),
        ("rgbd_seg_capture_fps", "gauge", "frames a second that arrive", status.capture_fps),
        ("rgbd_seg_segmentation_fps", "gauge", "results a second", status.segment_fps),
        ("rgbd_seg_behind_seconds", "gauge", "from arrival to the result", status.behind_ms / 1000),
        ("rgbd_seg_recording", "gauge", "1 while a recording runs", recording),
        ("rgbd_seg_recording_frames", "gauge", "frames in it", recorder.frames if recorder else None),
        ("rgbd_seg_recording_bytes", "gauge", "its size", recorder.file_bytes if recorder else None),
        ("rgbd_seg_recording_dropped", "gauge", "frames it lost", recorder.dropped if recorder else None),
        ("rgbd_seg_disk_free_bytes", "gauge", "left on its disk", recorder.free_bytes if recorder else None),
    ]


def _state(status: Status) -> dict[str, Any]:
    recorder, model = status.recorder, status.model
    return {
        "state": status.state.value,
        "message": status.message,
        "capture_fps": round(status.capture_fps, 1),
        "segment_fps": round(status.segment_fps, 1),
        "behind_ms": round(status.behind_ms, 1),
        "lost": status.missed,
        "reopened": status.reopened,
        "model": model.error or (f"{model.stage} …" if model.stage else model.info.model if model.info else ""),
        "recording": recorder is not None
        and recorder.state == "recording"
        and {
            "file": recorder.path.name,
            "seconds": round(recorder.seconds, 1),
            "bytes": recorder.file_bytes,
            "lost": recorder.dropped,
        },
    }


def _classes(segmentation: Segmentation) -> list[dict[str, Any]]:
    """The classes in view, largest first."""
    labels, label_set = segmentation.labels, segmentation.label_set
    if labels is None or label_set is None:
        return []
    measured = {one.name: one for one in measure(segmentation)}
    counts = np.bincount(labels.ravel(), minlength=256)
    rows = []
    for label in np.argsort(-counts)[:_MOST_CLASSES]:
        if not counts[label] or not 1 <= label <= len(label_set):
            continue
        one = label_set.classes[int(label) - 1]
        known = measured.get(one.name)
        row = {"id": int(label), "name": one.name, "color": list(one.color), "share": counts[label] / labels.size}
        if known is not None:
            row |= {"area_m2": round(known.area_m2, 3), "nearest_m": round(known.nearest_m, 3)}
        rows.append(row)
    return rows
