"""Synthetic rooms as a data module: every picture is drawn when it is needed, and none is stored."""

from __future__ import annotations

from typing import Any, ClassVar

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.scenes.training_views import TrainingViews
from training.data.data_module import RgbdData, Split
from training.data.room_pictures import RoomPictures
from training.data.sample import LabelledPictures, Size


class RoomsData(RgbdData):
    """Synthetic rooms with the classes of SUN RGB-D: new views in every epoch, and fixed ones of other rooms to score.

    The training views come in the order of their numbers: they are random in themselves, and successive ones share a
    room, which saves furnishing it again.
    """

    shuffled: ClassVar[bool] = False
    worker_start: ClassVar[str | None] = "spawn"  # A forked copy of a process that has drawn cannot draw.

    def __init__(
        self,
        room_seed: int = 1,
        val_room_seed: int = 900001,
        test_room_seed: int = 900002,
        views: int = 1_000_000,
        val_views: int = 240,
        views_per_room: int = 4,
        picture_size: Size = (240, 320),
        noise: bool = True,
        samples_per_epoch: int | None = 4800,
        depth_mean_m: float | None = 2.22,
        depth_std_m: float | None = 0.96,
        **shared: Any,
    ) -> None:
        """Takes the settings.

        Args:
            room_seed: Which series of rooms to train on; series of different seeds share no room.
            val_room_seed: Which series to validate on.
            test_room_seed: Which series to test on.
            views: After how many different views the first one comes again.
            val_views: Views to validate on, and as many to test on; each process keeps its part of them in memory.
            views_per_room: Successive views that share a room.
            picture_size: (height, width) of the views before augmentation.
            noise: Whether colour and depth get the faults of cameras.
            samples_per_epoch: After how many views to validate.
            depth_mean_m: Mean depth; the default is that of these rooms, None measures it (300 views: minutes).
            depth_std_m: Its standard deviation, likewise.
            shared: What all data modules share: see `RgbdData`.

        Raises:
            ConfigurationError: Two series are the same, or a number is below 1.
        """
        super().__init__(
            samples_per_epoch=samples_per_epoch, depth_mean_m=depth_mean_m, depth_std_m=depth_std_m, **shared
        )
        self._seeds: dict[Split, int] = {"train": room_seed, "val": val_room_seed, "test": test_room_seed}
        if len(set(self._seeds.values())) < len(self._seeds):
            raise ConfigurationError(
                "data.room_seed, data.val_room_seed and data.test_room_seed must differ: rooms that were trained on "
                f"tell nothing about others; they are {', '.join(map(str, self._seeds.values()))}"
            )
        for name, value in (("views", views), ("val_views", val_views), ("views_per_room", views_per_room)):
            if value < 1:
                raise ConfigurationError(f"data.{name} must be at least 1, not {value}")
        self._views, self._val_views = views, val_views
        self._views_per_room = views_per_room
        self._picture_size = picture_size
        self._noise = noise
        self._drawing: list[RoomPictures] = []

    def open_split(self, split: Split) -> LabelledPictures:
        """The views of a split."""
        height, width = self._picture_size
        views = TrainingViews(self._seeds[split], width, height, noise=self._noise, views_per_room=self._views_per_room)
        is_train = split == "train"
        pictures = RoomPictures(views, self._views if is_train else self._val_views, keep=not is_train)
        self._drawing.append(pictures)
        return pictures

    def teardown(self, stage: str) -> None:
        """Ends what this process has drawn with."""
        for pictures in self._drawing:
            pictures.close()
