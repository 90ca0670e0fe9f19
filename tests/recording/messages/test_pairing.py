"""Pictures and their times: nothing is dropped, doubled or put in another order without a word."""

from __future__ import annotations

import numpy as np

from rgbd_seg.recording.messages.pairing import pair_up

MS = 1_000_000
LOG = np.arange(12) * 33 * MS + 10**18


def joined(notes: tuple[str, ...]) -> str:
    return " ".join(notes)


def test_a_clock_set_back_keeps_the_order_of_recording() -> None:
    """Sorted by their stamps, new pictures would lie between old ones."""
    stamps = LOG.copy()
    stamps[6:] -= 150 * MS
    pairs = pair_up(LOG + 2 * MS, LOG, stamps, stamps)
    assert pairs is not None
    assert pairs.color_rows.tolist() == pairs.depth_rows.tolist() == list(range(12))
    assert np.diff(pairs.taken_ns).tolist() == [33 * MS] * 11
    assert pairs.device_ns is not None
    assert pairs.device_ns.tolist() == stamps.tolist()
    assert "set on the way by 0.15 s back" in joined(pairs.notes)


def test_a_clock_set_forwards_leaves_no_hour_of_silence() -> None:
    stamps = LOG.copy()
    stamps[4:] += 3600 * 1000 * MS
    pairs = pair_up(LOG, LOG, stamps, stamps)
    assert pairs is not None
    assert np.diff(pairs.taken_ns).tolist() == [33 * MS] * 11
    assert "3600 s forwards" in joined(pairs.notes)


def test_a_pause_of_an_hour_stays_one() -> None:
    log = LOG.copy()
    log[4:] += 3600 * 1000 * MS
    pairs = pair_up(log, log, log, log)
    assert pairs is not None
    assert pairs.notes == ()
    assert int(np.diff(pairs.taken_ns).max()) > 3600 * 1000 * MS


def test_one_late_message_is_no_step() -> None:
    stamps = LOG[[0, 1, 3, 2, 4, 5, 6, 7, 8, 9, 10, 11]]
    pairs = pair_up(LOG, LOG, stamps, LOG)
    assert pairs is not None
    assert pairs.notes == ()
    assert pairs.color_rows.tolist() == [0, 1, 3, 2, *range(4, 12)]


def test_a_clock_that_stands_still_gives_way_to_the_times_of_recording() -> None:
    pairs = pair_up(LOG, LOG, np.full(12, 7), np.full(12, 7))
    assert pairs is not None
    assert np.diff(pairs.taken_ns).tolist() == [33 * MS] * 11
    assert pairs.device_ns is None
    assert "one and the same time" in joined(pairs.notes)


def test_a_clock_of_one_stream_that_jumps_alone_is_not_trusted() -> None:
    stamps = LOG.copy()
    stamps[6:] -= 150 * MS
    pairs = pair_up(LOG, LOG, stamps, LOG)
    assert pairs is not None
    assert pairs.color_rows.tolist() == list(range(12))
    assert "clock was set on the way" in joined(pairs.notes)


def test_what_has_no_partner_is_counted() -> None:
    pairs = pair_up(LOG, LOG[[0, 3, 6]], LOG, LOG[[0, 3, 6]])
    assert pairs is not None
    assert pairs.notes == ("9 colour pictures of 12 have no depth of their own and are left out.",)
    pairs = pair_up(LOG[:2], LOG, LOG[:2], LOG)
    assert pairs is not None
    assert pairs.notes == ("10 depth pictures of 12 have no colour near in time and are left out.",)


def test_depth_faster_than_colour_says_that_it_shares_it() -> None:
    fast = np.arange(36) * 11 * MS + 10**18
    pairs = pair_up(LOG, fast, LOG, fast)
    assert pairs is not None
    assert "share colour with another one" in joined(pairs.notes)


def test_two_pictures_of_one_instant_are_said() -> None:
    stamps = LOG.copy()
    stamps[5] = stamps[4]
    pairs = pair_up(LOG, LOG, stamps, stamps)
    assert pairs is not None
    assert pairs.color_rows.tolist() == pairs.depth_rows.tolist() == list(range(12))
    assert pairs.notes == ("1 depth picture has the time of the one before.",)


def test_a_picture_that_was_recorded_late_keeps_its_partner_by_order() -> None:
    color = LOG.copy()
    color[0] += 25 * MS
    pairs = pair_up(color, LOG, None, None)
    assert pairs is not None
    assert pairs.color_rows.tolist() == pairs.depth_rows.tolist() == list(range(12))
    assert pairs.farthest_ms == 25
    assert "the colour picture of the same number, recorded up to 25 ms apart" in joined(pairs.notes)


def test_pictures_that_were_lost_are_not_paired_by_order() -> None:
    """As many of both, but others: neighbours that are missing, or pairs of unequal rows."""
    for no_color, no_depth in (([3, 4], [5, 6]), ([2], [8])):
        pairs = pair_up(np.delete(LOG, no_color), np.delete(LOG, no_depth), None, None)
        assert pairs is not None
        assert len(pairs.color_rows) == 12 - len(no_color) - len(no_depth)
        assert pairs.farthest_ms == 0
        assert "have no colour near in time" in joined(pairs.notes)
