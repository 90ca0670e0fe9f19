"""Fuzz targets for what the window opens beside recordings, and for MATLAB's files; the others come with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fuzz.label_targets import TARGETS, pack, unpack
from tests.fuzz.targets import first_frames, target

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TARGETS"]  # All of them, once this file is loaded.


def _layouts(folder: Path) -> list[bytes]:
    from rgbd_seg.app.layouts.layout import BUILT_IN, to_json

    return [to_json("mine", BUILT_IN["Looking"]).encode()]


@target("layout of the window", _layouts)
def _layout(data: bytes, folder: Path) -> object:
    from rgbd_seg.app.layouts.layout import read_layout

    (folder / "layout.json").write_bytes(data)
    return read_layout(folder / "layout.json")


def _runs(folder: Path) -> list[bytes]:
    rows = (
        {"event": "start", "time": 1.0, "step": 0, "progress": 0.0, "held_out": ["000001"]},
        {"event": "train", "time": 2.0, "step": 1, "epoch": 0, "train_loss": 1.5, "progress": 0.3},
        {"event": "train", "time": 3.0, "step": 2, "epoch": 0, "train_loss": 1.2, "progress": 0.5},
        {"event": "validation", "time": 4.0, "step": 2, "val_miou": 0.4, "val_loss": 1.1, "iou": {"wall": 0.4}},
        {"event": "end", "time": 5.0, "step": 2, "progress": 1.0},
    )
    plan = {
        "name": "mine",
        "data": "walk labels",
        "start": "demo",
        "minutes": 5,
        "epochs": 2,
        "began": 0.5,
        "scored": 3,
    }
    run = folder / "seed"
    run.mkdir(exist_ok=True)
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (run / "plan.json").write_text(json.dumps(plan))
    (run / "state.json").write_text('{"stage": "done", "time": 6.0, "pid": 1, "process_began": 0.1}')
    return [pack(run)]


@target("training run", _runs)
def _run(data: bytes, folder: Path) -> object:
    from rgbd_seg.app.training.curves import Curves
    from rgbd_seg.app.training.pace import pace_of
    from rgbd_seg.app.training.run_folder import RunFolder

    path = unpack(data, folder / "fuzz")
    run, curves = RunFolder(path), Curves(path / "metrics.jsonl")
    curves.read()
    return run.state(), run.held_out, run.model, curves.seconds_left, curves.best_miou, pace_of(path)


def _graphs(folder: Path) -> list[bytes]:
    """One layer of a small model, without its weights."""
    import onnx

    from rgbd_seg.inference.surroundings import NETWORK_KEY, describe_network
    from rgbd_seg.models.model_file import load_model
    from tests.reliability.model_faults import write_model

    path = folder / "tiny.safetensors"
    write_model(path)
    network, card = load_model(path)
    weight = onnx.numpy_helper.from_array(network.classify.weight.detach().numpy(), "classify.weight")
    weight.ClearField("raw_data")
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("a", "b")]
    node = onnx.helper.make_node("Conv", ["a", "classify.weight"], ["b"])
    graph = onnx.helper.make_graph([node], "network", ends[:1], ends[1:], [weight])
    model = onnx.helper.make_model(graph)
    entry = model.metadata_props.add()
    entry.key, entry.value = NETWORK_KEY, describe_network(card)
    return [model.SerializeToString()]


@target("graph beside a model", _graphs)
def _graph(data: bytes, folder: Path) -> object:
    from rgbd_seg.inference.portable import filled
    from rgbd_seg.models.model_header import read_card

    (folder / "tiny.graph.onnx").write_bytes(data)
    return filled(folder / "tiny.graph.onnx", folder / "tiny.safetensors", read_card(folder / "tiny.safetensors"))


def _nyu(folder: Path) -> list[bytes]:
    import h5py
    import numpy as np

    from rgbd_seg.recording.layouts.nyuv2 import CLASSES_FILE, FRAMES_FILE
    from tests.recording.nyu_files import write_lists

    path = folder / FRAMES_FILE
    with h5py.File(path, "w") as file:
        for name, shape, kind in (
            ("images", (1, 3, 640, 480), np.uint8),
            ("labels", (1, 640, 480), np.uint16),
            ("depths", (1, 640, 480), np.float32),
            ("rawDepths", (1, 640, 480), np.float32),
        ):
            file.create_dataset(name, data=np.ones(shape, kind), chunks=shape, compression="gzip", compression_opts=9)
        letters = file.create_dataset("#refs#/a", data=np.array([[ord("a")]], np.uint16))
        file.create_dataset("scenes", data=np.array([[letters.ref]], h5py.ref_dtype))
    seed = path.read_bytes()
    path.unlink()
    write_lists(folder)
    assert (folder / CLASSES_FILE).is_file()
    return [seed]


@target("nyu depth v2", _nyu)
def _nyu_frames(data: bytes, folder: Path) -> object:
    (folder / "nyu_depth_v2_labeled.mat").write_bytes(data)
    return first_frames(folder / "nyu_depth_v2_labeled.mat")


def _nyu_lists(folder: Path) -> list[bytes]:
    from rgbd_seg.recording.layouts.nyuv2 import CLASSES_FILE, SPLITS_FILE
    from tests.recording.nyu_files import write_lists

    write_lists(folder)
    return [(folder / name).read_bytes() for name in (CLASSES_FILE, SPLITS_FILE)]


@target("nyu lists", _nyu_lists)
def _nyu_list(data: bytes, folder: Path) -> object:
    from rgbd_seg.errors import RecordingError
    from rgbd_seg.recording.layouts.nyuv2 import class_table, official_split

    (folder / "list.mat").write_bytes(data)
    try:
        return official_split(folder / "list.mat", 6)
    except RecordingError:
        return class_table(folder / "list.mat")
