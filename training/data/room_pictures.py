"""Views of synthetic rooms as labelled pictures.

Apart from the data module, and without Lightning: what draws in a loader process is loaded in each of them anew.
"""

from __future__ import annotations

import numpy as np

from rgbd_seg.labels import LabelSet
from rgbd_seg.scenes.room import LABEL_SET
from rgbd_seg.scenes.training_views import TrainingViews
from training.data.sample import LabelledPictures, Sample


class RoomPictures(LabelledPictures):
    """Views of rooms by number, the same in every process. Each process that reads starts its own OpenGL."""

    def __init__(self, views: TrainingViews, count: int, *, keep: bool) -> None:
        """Draws nothing yet.

        Args:
            views: The series.
            count: How many of its views.
            keep: Keeps what was drawn in memory (about 0.6 MB for a view of 240x320), for views that come again.
        """
        self._views = views
        self._count = count
        self._kept: dict[int, Sample] | None = {} if keep else None
        self.label_set = LabelSet.load(LABEL_SET)

    def __len__(self) -> int:
        return self._count

    def read(self, index: int) -> Sample:
        """Draws one view, or takes it from memory.

        Raises:
            SensorError: There is no OpenGL.
        """
        if self._kept is not None and index in self._kept:
            return self._kept[index]
        view = self._views.view(index)
        depth_m = view.depth.astype(np.float32) * np.float32(0.001)
        name = f"view {index} of the rooms of seed {self._views.seed}"
        sample = Sample(view.color, depth_m, view.labels, name, "synthetic")
        if self._kept is not None:
            self._kept[index] = sample
        return sample

    def close(self) -> None:
        """Ends OpenGL in this process, on the thread that has read."""
        self._views.close()
