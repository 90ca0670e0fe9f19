"""The order in which training meets the pictures: shuffled, divided among processes, and resumable in mid-epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler


class EpochSampler(Sampler[int]):
    """Yields draws: numbers that name both a picture and which time it comes.

    A draw is `times * count + index` with another `times` each time that the picture comes, so that augmentation can be
    seeded by it: no two draws of a run are equal, even where an epoch meets a picture often, and the same draw gives
    the same sample in whichever worker or process it is decoded, after a resume too. Each global batch is dealt
    round-robin to the processes; pictures that do not fill the last batch are left out of this epoch.
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
        factors: NDArray[np.float64] | None = None,
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
            factors: (count,) how often each picture comes compared with others, None for equally often; needs
                `shuffled`.
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
        self._shares = None if factors is None else np.cumsum(factors) / np.sum(factors)
        # A picture may come so often in one shuffle; each time is a draw of its own.
        self._times = 1 if factors is None else int(np.ceil(count * np.max(factors) / np.sum(factors))) + 1
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
        order = np.arange(self.count)  # Draws of the shuffle.
        for position in range(start, start + needed):
            times, index = divmod(position, self.count)
            if self._shuffled and times != shuffle:
                shuffle = times
                order = self._shuffle(np.random.default_rng((self._seed, shuffle)))
            if position % self._processes == self._rank:
                mine.append(times * self._times * self.count + int(order[index]))
        skipped = self._batches_done() % self._batches
        return iter(mine[skipped * self._batch :])

    def _shuffle(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """(count,) draws of one shuffle: each picture once, or as often as its factor says (systematic resampling)."""
        if self._shares is None:
            return rng.permutation(self.count)
        points = (rng.random() + np.arange(self.count)) / self.count
        chosen = np.minimum(np.searchsorted(self._shares, points), self.count - 1)
        which_time = np.arange(self.count) - np.searchsorted(chosen, chosen)
        return rng.permutation(which_time * self.count + chosen)
