"""The order in which training meets the pictures: shuffled, divided among processes, and resumable in mid-epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch.utils.data import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class EpochSampler(Sampler[int]):
    """Yields draws: numbers that name both a picture and which time it comes.

    A draw is `times * count + index`, so that augmentation can be seeded by it: no two draws of a run are equal, even
    where an epoch meets a picture often, and the same draw gives the same sample in whichever worker or process it is
    decoded, after a resume too. Each global batch is dealt round-robin to the processes; pictures that do not fill the
    last batch are left out of this epoch.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        seed: int,
        *,
        samples_per_epoch: int | None = None,
        rank: int = 0,
        processes: int = 1,
        shuffled: bool = True,
        batches_done: Callable[[], int] = lambda: 0,
    ) -> None:
        """Plans the epochs.

        Args:
            count: How many pictures there are.
            batch_size: Pictures in one batch of one process.
            seed: Which shuffle.
            samples_per_epoch: How many draws make an epoch, None for all pictures once.
            rank: Which of the processes this is.
            processes: How many processes share each batch.
            shuffled: False keeps the pictures in order, and each epoch goes on where the one before stopped.
            batches_done: How many batches a resumed run has had of the epoch that begins; asked when it begins, because
                loaders are made before a run knows where it goes on.
        """
        self.count = count
        self.epoch = 0
        self._batches_done = batches_done
        self._seed = seed
        self._rank, self._processes = rank, processes
        self._batch = batch_size
        self._shuffled = shuffled
        draws = samples_per_epoch or count
        self._batches = max(1, draws // (batch_size * processes))

    def __len__(self) -> int:
        return self._batches * self._batch

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        needed = self._batches * self._batch * self._processes
        start = self.epoch * needed
        mine: list[int] = []
        # The epochs lie one behind the other on an endless row of whole shuffles.
        shuffle = -1
        order = np.arange(self.count)
        for position in range(start, start + needed):
            times, index = divmod(position, self.count)
            if self._shuffled and times != shuffle:
                shuffle = times
                order = np.random.default_rng((self._seed, shuffle)).permutation(self.count)
            if position % self._processes == self._rank:
                mine.append(times * self.count + int(order[index]))
        skipped = self._batches_done() % self._batches
        return iter(mine[skipped * self._batch :])
