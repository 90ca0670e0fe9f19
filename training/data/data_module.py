"""The data modules: labelled pictures as batches, for training, validation and test."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import lightning
from torch.utils.data import DataLoader

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.labels import LabelSet
from training.data.augment import GENTLE_ZOOM, Augmentation
from training.data.batches import LateLoader, TensorSamples
from training.data.classes import merged
from training.data.depth_statistics import SMALLEST_DEPTH_M, DepthStatistics, measure_depth
from training.data.sample import LabelledPictures, Remapped, Size, Subset
from training.data.sampler import EpochSampler
from training.data.survey import class_pixels, repeat_factors

Split = Literal["train", "val", "test"]


class RgbdData(lightning.LightningDataModule):
    """What all data modules share: splits, augmentation, loaders and statistics.

    Attributes:
        shuffled: Whether training pictures come in random order; False for those that are random in themselves.
        worker_start: How loader processes start ("fork", "spawn"), None for the way of the system.
    """

    shuffled: ClassVar[bool] = True
    worker_start: ClassVar[str | None] = None

    def __init__(
        self,
        size: Size = (240, 320),
        batch_size: int = 6,
        augmentation: Augmentation = "published",
        zoom: tuple[float, float] = GENTLE_ZOOM,
        crop: Size | None = None,
        paste: float = 0.0,
        num_workers: int = 2,
        seed: int = 0,
        samples_per_epoch: int | None = None,
        merge: dict[str, list[str]] | None = None,
        depth_max_m: float = 8.0,
        depth_mean_m: float | None = None,
        depth_std_m: float | None = None,
        balanced: bool = False,
        fold: int = 0,
        fold_seed: int | None = None,
    ) -> None:
        """Takes the settings; files are opened when they are first needed.

        Args:
            size: Input (height, width) of the network.
            batch_size: Pictures in a step of one process.
            augmentation: "published", "gentle", "live" or "none".
            zoom: Smallest and largest factor by which "gentle" and "live" enlarge pictures.
            crop: (height, width) of the parts of pictures that "live" trains on, None for whole ones; `size` stays that
                of the whole picture.
            paste: Share of the training pictures that get half of the classes of another one pasted over, where there
                are few.
            num_workers: Processes that decode and augment; 0 does it in the training process.
            seed: Of shuffling and augmentation, and of the folds unless `fold_seed` is given.
            samples_per_epoch: After how many samples to validate, None for all pictures once.
            merge: New classes by name, each with the names of the classes that become it; classes named nowhere become
                void. None keeps the classes of the data.
            depth_max_m: Depth beyond this is taken as this.
            depth_mean_m: Mean depth of the training pictures, None to measure it.
            depth_std_m: Its standard deviation, None to measure it.
            balanced: Shows pictures with rare classes more often: as the square root of how rare the rarest is, up to 5
                times as often. All training labels are read once for it.
            fold: Which part is held out where validation is cut from the training pictures: with a `val_share` of 0.2
                there are the folds 0..4, and each picture is in one of them.
            fold_seed: How the folds are cut, None: as `seed` says.
        """
        super().__init__()
        height, width = size
        if min(height, width) < 32:
            raise ConfigurationError(f"data.size must be at least 32x32, not {height}x{width}")
        if batch_size < 1:
            raise ConfigurationError(f"data.batch_size must be at least 1, not {batch_size}")
        if num_workers < 0:
            raise ConfigurationError(f"data.num_workers must be 0 or more, not {num_workers}")
        if samples_per_epoch is not None and samples_per_epoch < 1:
            raise ConfigurationError(f"data.samples_per_epoch must be at least 1, not {samples_per_epoch}")
        # Depth is divided by its deviation: next to nothing there makes infinities of it, and the loss no number.
        for name, metres in (("depth_max_m", depth_max_m), ("depth_std_m", depth_std_m)):
            if metres is not None and not metres >= SMALLEST_DEPTH_M:
                raise ConfigurationError(f"data.{name} must be at least {SMALLEST_DEPTH_M} metres, not {metres}")
        self.size: Size = (height, width)
        self.batch_size = batch_size
        if not 0.1 <= zoom[0] <= zoom[1] <= 10:
            raise ConfigurationError(f"data.zoom must be two factors within 0.1..10, the smaller first, not {zoom}")
        self.augmentation: Augmentation = augmentation
        self.zoom = zoom
        if crop is not None and (augmentation != "live" or min(crop) < 32):
            raise ConfigurationError(
                f"data.crop must be at least 32x32, not {crop}, and is for the augmentation live alone"
            )
        self.crop = crop
        if not 0 <= paste <= 1:
            raise ConfigurationError(f"data.paste must be a share 0..1 of the pictures, not {paste}")
        self._paste = paste
        self._workers = num_workers
        self.seed = seed
        self._samples_per_epoch = samples_per_epoch
        self._merge = merge
        if balanced and not self.shuffled:
            raise ConfigurationError(
                "data.balanced needs pictures that are stored; these are drawn in an order of their own"
            )
        self._balanced = balanced
        self.fold = fold
        self.fold_seed = seed if fold_seed is None else fold_seed
        self._depth = (depth_mean_m, depth_std_m, depth_max_m)
        self._opened: dict[str, LabelledPictures] = {}
        self._statistics: DepthStatistics | None = None

    @abstractmethod
    def open_split(self, split: Split) -> LabelledPictures:
        """Opens the pictures of a split with the classes that are on disk."""

    def pictures(self, split: Split) -> LabelledPictures:
        """The pictures of a split, with the classes to be trained."""
        if split not in self._opened:
            pictures = self.open_split(split)
            if self._merge is not None:
                label_set, table = merged(pictures.label_set, self._merge)
                pictures = Remapped(pictures, label_set, table)
            self._opened[split] = pictures
        return self._opened[split]

    @property
    def label_set(self) -> LabelSet:
        """The classes to be trained."""
        return self.pictures("train").label_set

    @property
    def description(self) -> str:
        """What is trained on, in words for the model's card."""
        return f"{len(self.pictures('train'))} pictures"

    @property
    def predicted(self) -> str:
        """Which model made the labels ("predicted by ..."), "" where they are truth."""
        return ""

    @property
    def held_out(self) -> list[str]:
        """Names of the pictures that validation was cut from the folder with; [] where it has a folder of its own."""
        return []

    @property
    def depth_source(self) -> LabelledPictures:
        """The pictures that the statistics of depth are measured on."""
        return self.pictures("train")

    @property
    def depth_kind(self) -> str:
        """Which of several kinds of depth is read ("raw", "refined"), "" where there is one."""
        return ""

    @property
    def depth_statistics(self) -> DepthStatistics:
        """Mean and deviation of the training depth, as given or measured on up to 300 pictures spread over the set."""
        if self._statistics is None:
            mean, std, far = self._depth
            if mean is None or std is None:
                mean, std = measure_depth(self.depth_source, far)
            self._statistics = DepthStatistics(mean, std, far)
        return self._statistics

    def train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Shuffled, augmented batches; picks up in mid-epoch where a resumed run stopped."""
        pictures = self.pictures("train")
        trainer = self.trainer
        rank, processes = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        if len(pictures) < self.batch_size * processes and self._samples_per_epoch is None:
            raise ConfigurationError(
                f"there are {len(pictures)} training pictures, fewer than one batch of {self.batch_size * processes}; "
                "set data.batch_size lower"
            )
        sampler = EpochSampler(
            len(pictures),
            self.batch_size,
            self.seed,
            samples_per_epoch=self._samples_per_epoch,
            rank=rank,
            processes=processes,
            shuffled=self.shuffled,
            factors=repeat_factors(class_pixels(pictures)) if self._balanced else None,
            batches_done=lambda: trainer.fit_loop.epoch_loop.batch_progress.current.ready if trainer else 0,
        )
        samples = TensorSamples(
            pictures, self.size, self.augmentation, self.seed, full_labels=False, zoom=self.zoom, crop=self.crop
        )
        return self._loader(samples, paste=self._paste, sampler=sampler, drop_last=True)

    def val_dataloader(self) -> DataLoader[dict[str, Any]]:
        """The validation pictures in order, with labels in their own size."""
        return self._ordered("val")

    def test_dataloader(self) -> DataLoader[dict[str, Any]]:
        """The test pictures in order, with labels in their own size."""
        return self._ordered("test")

    def _ordered(self, split: Split) -> DataLoader[dict[str, Any]]:
        pictures = self.pictures(split)
        trainer = self.trainer
        if (
            trainer is not None and trainer.world_size > 1
        ):  # Every picture counts once, whatever the number of processes.
            pictures = Subset(pictures, range(trainer.global_rank, len(pictures), trainer.world_size))
        samples = TensorSamples(pictures, self.size, "none", self.seed, full_labels=True)
        return self._loader(samples)

    def _loader(self, samples: TensorSamples, **options: Any) -> DataLoader[dict[str, Any]]:
        return LateLoader(samples, self.batch_size, self._workers, self.worker_start, **options)
