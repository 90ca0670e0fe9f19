"""Small files of the shape of NYU Depth V2's official ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h5py
import numpy as np
import scipy.io

from rgbd_seg.recording.layouts.nyuv2 import CLASSES_FILE, FRAMES_FILE, SPLITS_FILE

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 6
SCENES = ("kitchen_0001", "kitchen_0001", "office_0002", "office_0002", "bedroom_0003", "bedroom_0003")


def write_nyu(folder: Path) -> Path:
    """Six frames of three rooms, two classes side by side with one blue pixel of a third; returns the folder."""
    with h5py.File(folder / FRAMES_FILE, "w") as file:
        compact = {"compression": "gzip", "compression_opts": 1}
        images = np.zeros((COUNT, 3, 640, 480), np.uint8)
        labels = np.zeros((COUNT, 640, 480), np.uint16)
        depths = np.zeros((COUNT, 640, 480), np.float32)
        for i in range(COUNT):
            images[i, 0], images[i, 2, 100, 50] = 10 * i, 255  # Column 100, row 50 is blue.
            labels[i, :320], labels[i, 320:], labels[i, 100, 50] = 1, 2, 894
            depths[i] = 1 + i
        raw = depths.copy()
        raw[:, 200:300] = 0
        for name, array in (("images", images), ("labels", labels), ("depths", depths), ("rawDepths", raw)):
            file.create_dataset(name, data=array, chunks=(1, *array.shape[1:]), **compact)
        texts = [
            file.create_dataset(f"#refs#/{i}", data=np.array([[ord(c)] for c in name], np.uint16))
            for i, name in enumerate(SCENES)
        ]
        file.create_dataset("scenes", data=np.array([[t.ref for t in texts]], h5py.ref_dtype))
    write_lists(folder)
    return folder


def write_lists(folder: Path) -> None:
    """The official split and the mapping to classes."""
    scipy.io.savemat(folder / SPLITS_FILE, {"trainNdxs": [[1], [2], [3], [4]], "testNdxs": [[5], [6]]})
    classes = np.full((1, 894), 40)
    classes[0, 0], classes[0, 1], classes[0, 893] = 1, 7, 37  # wall, table, bag
    scipy.io.savemat(folder / CLASSES_FILE, {"mapClass": classes})
