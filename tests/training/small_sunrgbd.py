"""A small SUN RGB-D as it is published: the tree of pictures and the toolbox with labels and split."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import h5py
import numpy as np
import scipy.io

from rgbd_seg.recording.layouts.sunrgbd import encode_depth

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = (
    "kv1/NYUdata/NYU0001",
    "kv1/b3dodata/img_0063",
    "kv2/kinect2data/0001",
    "xtion/sun3ddata/a/b/0001",
    "realsense/sa/1",
)
TRAIN = FRAMES[:4]
SIZES = ((42, 56), (42, 56), (53, 73), (44, 59), (53, 68))


def label_of(i: int) -> np.ndarray:
    """The labels of a frame."""
    height, width = SIZES[i]
    return np.random.default_rng(i).integers(0, 38, (height, width), dtype=np.uint8)


def depth_of(i: int) -> np.ndarray:
    """The depth of a frame in millimetres, with a hole and with a value beyond 8 m."""
    depth = np.full(SIZES[i], 1000 + 100 * i, np.uint16)
    depth[0] = 0
    depth[1] = 8212
    return depth


def write_images(root: Path) -> Path:
    """The folder SUNRGBD with five frames of all sensors."""
    for i, name in enumerate(FRAMES):
        folder = root / name
        for part in ("image", "depth", "depth_bfx", "fullres", "annotation2Dfinal"):
            (folder / part).mkdir(parents=True)
        height, width = SIZES[i]
        cv2.imwrite(str(folder / "image" / f"{i}.jpg"), np.full((height, width, 3), 40 * i, np.uint8))
        raw = depth_of(i)
        for part, depth in (("depth", raw), ("depth_bfx", np.where(raw == 0, 900, raw).astype(np.uint16))):
            cv2.imwrite(str(folder / part / f"{i}_abs.png"), encode_depth(depth))
        (folder / "fullres" / "big.jpg").write_bytes(b"big")
        (folder / "scene.txt").write_text("office")
        polygon = {"object": 0, "x": [0, 20, 20, 0], "y": [0, 0, 20, 20]}
        index = {"objects": [{"name": "chair"}], "frames": [{"polygon": [polygon]}]}
        (folder / "annotation2Dfinal" / "index.json").write_text(json.dumps(index))
    return root


def write_toolbox(root: Path) -> Path:
    """The folder SUNRGBDtoolbox that lists the five frames, all but the last for training."""
    for part in ("Metadata", "traintestSUNRGBD"):
        (root / part).mkdir(parents=True)
    meta = np.zeros((1, len(FRAMES)), [("sequenceName", "O"), ("rgbname", "O")])
    for i, name in enumerate(FRAMES):
        meta[0, i]["sequenceName"] = f"SUNRGBD/{name}"
        meta[0, i]["rgbname"] = f"{i}.jpg"
    scipy.io.savemat(root / "Metadata" / "SUNRGBDMeta.mat", {"SUNRGBDMeta": meta})
    train = np.empty((1, len(TRAIN)), object)
    train[0, :] = [f"/n/fs/sun3d/data//SUNRGBD/{name}/" for name in TRAIN]
    scipy.io.savemat(root / "traintestSUNRGBD" / "allsplit.mat", {"alltrain": train})
    write_labels(root, [label_of(i) for i in range(len(FRAMES))])
    return root


def write_labels(root: Path, labels: list[np.ndarray]) -> None:
    """The toolbox's label file, column by column as MATLAB stores it."""
    with h5py.File(root / "Metadata" / "SUNRGBD2Dseg.mat", "w") as file:
        references = file.create_dataset("SUNRGBD2Dseg/seglabel", (len(labels), 1), dtype=h5py.ref_dtype)
        for i, label in enumerate(labels):
            references[i, 0] = file.create_dataset(f"#refs#/{i}", data=label.T).ref
