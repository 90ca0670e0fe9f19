"""The order of training: complete, shared among processes, the same after a resume."""

import numpy as np

from training.data.sampler import EpochSampler


def draws(epoch=0, skip=0, **options):
    sampler = EpochSampler(10, options.pop("batch_size", 2), seed=1, batches_done=lambda: skip, **options)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_an_epoch_meets_every_picture_once_and_the_next_in_another_order():
    first, second = draws(0), draws(1)
    assert sorted(d % 10 for d in first) == list(range(10))
    assert [d % 10 for d in first] != [d % 10 for d in second]
    assert not set(first) & set(second)


def test_processes_share_each_global_batch():
    single = draws(batch_size=4)
    parts = [draws(batch_size=2, rank=r, processes=2) for r in range(2)]
    for step in range(2):
        together = {d for part in parts for d in part[2 * step : 2 * step + 2]}
        assert together == set(single[4 * step : 4 * step + 4])


def test_a_resumed_epoch_goes_on_where_it_stopped():
    assert draws(3, skip=2) == draws(3)[4:]


def test_short_epochs_walk_on_through_the_pictures():
    met = [d % 10 for epoch in range(5) for d in draws(epoch, samples_per_epoch=4)]
    assert sorted(met[:10]) == list(range(10))
    assert len(met) == 20


def test_long_epochs_repeat_in_fresh_orders():
    one = [d % 10 for d in draws(samples_per_epoch=20)]
    assert sorted(one) == sorted([*range(10), *range(10)])


def test_a_picture_that_comes_again_in_an_epoch_is_augmented_otherwise():
    several = [d for epoch in range(3) for d in draws(epoch, samples_per_epoch=24)]
    assert len(set(several)) == len(several) == 72
    in_order = [d for epoch in range(3) for d in draws(epoch, samples_per_epoch=24, shuffled=False)]
    assert in_order == list(range(72))


def test_pictures_come_as_often_as_their_factors_say_and_each_time_as_another_draw():
    factors = np.array([1.0] * 8 + [3.0, 4.0])
    several = [d for epoch in range(30) for d in draws(epoch, factors=factors)]
    assert len(set(several)) == len(several) == 300
    met = np.bincount([d % 10 for d in several], minlength=10)
    np.testing.assert_allclose(met, 300 * factors / factors.sum(), atol=6)
    # In any one shuffle within one of its share.
    one = np.bincount([d % 10 for d in draws(3, factors=factors)], minlength=10)
    assert (np.abs(one - 10 * factors / factors.sum()) < 1).all()
    assert draws(3, skip=2, factors=factors) == draws(3, factors=factors)[4:]
