"""The controls of a replay, with a clock that the tests turn."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from rgbd_seg.errors import ConfigurationError, EndOfStream
from rgbd_seg.sensors.playback import Playback
from tests.waiting import PATIENCE_S

TIMES_US = np.arange(10, dtype=np.int64) * 100_000  # Ten frames a second.


class Clock:
    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def playback(clock: Clock) -> Playback:
    return Playback(TIMES_US, clock_ns=clock)


def test_frames_come_when_they_are_due(playback: Playback, clock: Clock) -> None:
    assert playback.next_position(0) == 0
    assert playback.next_position(0) is None
    clock.advance(0.099)
    assert playback.next_position(0) is None
    clock.advance(0.001)
    assert playback.next_position(0) == 1


def test_real_time_leaves_late_frames_out_and_counts_them(playback: Playback, clock: Clock) -> None:
    assert playback.next_position(0) == 0
    clock.advance(0.35)
    assert playback.next_position(0) == 3
    assert playback.left_out == 2
    clock.advance(100)
    assert playback.next_position(0) == 9


def test_every_frame_leaves_none_out(playback: Playback, clock: Clock) -> None:
    playback.every_frame = True
    seen = []
    for _ in range(10):
        seen.append(playback.next_position(0))
        clock.advance(0.35)
    assert seen == list(range(10))
    assert playback.left_out == 0


def test_every_frame_is_no_faster_than_recorded(playback: Playback, clock: Clock) -> None:
    playback.every_frame = True
    assert playback.next_position(0) == 0
    assert playback.next_position(0) is None
    clock.advance(1.0)
    assert playback.next_position(0) == 1
    assert playback.next_position(0) is None


def test_offline_frames_come_at_once(playback: Playback) -> None:
    playback.paced = False
    assert [playback.next_position(0) for _ in range(10)] == list(range(10))
    with pytest.raises(EndOfStream):
        playback.next_position(0)


@pytest.mark.parametrize("speed", [0.1, 0.5, 2.0, 8.0])
def test_speed_scales_the_waits(playback: Playback, clock: Clock, speed: float) -> None:
    playback.speed = speed
    assert playback.next_position(0) == 0
    for expected in (1, 2, 3):
        clock.advance(0.1 / speed - 0.001)
        assert playback.next_position(0) is None
        clock.advance(0.001 + 1e-6)
        assert playback.next_position(0) == expected
        clock.advance(-1e-6)


@pytest.mark.parametrize("speed", [0, 0.09, 8.1, -1, float("nan"), float("inf")])
def test_speeds_out_of_range_are_refused(playback: Playback, speed: float) -> None:
    with pytest.raises(ConfigurationError, match=r"0\.1 to 8"):
        playback.speed = speed
    assert playback.speed == 1


def test_a_change_of_speed_does_not_jump(playback: Playback, clock: Clock) -> None:
    assert playback.next_position(0) == 0
    clock.advance(0.09)
    playback.speed = 8
    assert playback.next_position(0) is None
    clock.advance(0.0125)
    assert playback.next_position(0) == 1


def test_pause_stands_still_and_resume_goes_on_without_a_jump(playback: Playback, clock: Clock) -> None:
    assert playback.next_position(0) == 0
    playback.pause()
    clock.advance(60)
    assert playback.next_position(0) is None
    playback.resume()
    assert playback.next_position(0) is None
    clock.advance(0.1)
    assert playback.next_position(0) == 1


def test_steps_both_ways_show_one_frame_each_and_stop_at_the_ends(playback: Playback) -> None:
    playback.pause()
    for step, expected in ((5, 4), (1, 5), (-2, 3), (-10, 0), (-1, 0), (100, 9), (1, 9)):
        playback.step(step)
        assert playback.position == expected
        assert playback.next_position(0) == expected
        assert playback.next_position(0) is None
    assert playback.paused


def test_steps_add_up_before_the_reader_comes(playback: Playback) -> None:
    playback.seek_frame(4)
    playback.step()
    playback.step()
    playback.step(-1)
    assert playback.next_position(0) == 5


def test_seek_while_running_goes_on_from_there(playback: Playback, clock: Clock) -> None:
    assert playback.next_position(0) == 0
    playback.seek_frame(6)
    assert playback.position == 6
    assert playback.next_position(0) == 6
    assert playback.next_position(0) is None
    clock.advance(0.1)
    assert playback.next_position(0) == 7
    playback.seek_frame(-3)
    assert playback.next_position(0) == 0
    playback.seek_frame(1000)
    assert playback.next_position(0) == 9


def test_it_ends_once_and_again_and_a_seek_revives_it(playback: Playback) -> None:
    playback.seek_frame(9)
    assert playback.next_position(0) == 9
    for _ in range(2):
        with pytest.raises(EndOfStream):
            playback.next_position(0)
    assert playback.at_end
    playback.seek_frame(2)
    assert not playback.at_end
    assert playback.next_position(0) == 2


def test_a_loop_starts_again_after_the_usual_interval(playback: Playback, clock: Clock) -> None:
    playback.loop = True
    assert playback.next_position(0) == 0
    for expected in (1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1):
        assert playback.next_position(0) is None
        clock.advance(0.1)
        assert playback.next_position(0) == expected


def test_a_loop_of_one_frame_does_not_spin(clock: Clock) -> None:
    playback = Playback(TIMES_US[:1], clock_ns=clock)
    playback.loop = True
    for _ in range(3):
        assert playback.next_position(0) == 0
        assert playback.next_position(0) is None
        clock.advance(0.49)
        assert playback.next_position(0) is None
        clock.advance(0.01)


def test_a_loop_after_a_seek_to_the_last_frame_waits_too(playback: Playback, clock: Clock) -> None:
    playback.loop = True
    playback.seek_frame(9)
    assert playback.next_position(0) == 9
    assert playback.next_position(0) is None
    clock.advance(0.1)
    assert playback.next_position(0) == 0


def test_holding_at_the_end_pauses_and_resume_starts_over(playback: Playback) -> None:
    playback.hold_at_end = True
    playback.seek_frame(9)
    assert playback.next_position(0) == 9
    assert playback.next_position(0) is None
    assert playback.paused
    playback.step(-1)
    assert playback.next_position(0) == 8
    playback.seek_frame(9)
    assert playback.next_position(0) == 9
    playback.resume()
    assert playback.next_position(0) == 0


def test_damaged_frames_are_passed_in_the_direction_of_the_search(playback: Playback) -> None:
    playback.pause()
    playback.seek_frame(5)
    assert playback.next_position(0) == 5
    playback.pass_over(5, "damaged")
    assert playback.next_position(0) == 6
    playback.step(-1)
    assert playback.next_position(0) == 5
    playback.pass_over(5, "damaged")
    assert playback.next_position(0) == 4
    assert playback.next_position(0) is None
    assert playback.unreadable == 1
    assert playback.warnings == ("damaged",)


def test_nothing_but_damage_ends_even_a_loop() -> None:
    playback = Playback(TIMES_US[:3])
    playback.loop, playback.paced = True, False
    for _ in range(2):
        position = playback.next_position(0)
        assert position is not None
        playback.pass_over(position, "damaged")
    assert playback.next_position(0) == 2
    with pytest.raises(EndOfStream):
        playback.pass_over(2, "damaged")


def test_an_empty_recording_ends_at_once() -> None:
    for flags in ({}, {"loop": True}, {"hold_at_end": True}):
        playback = Playback(TIMES_US[:0])
        for name, value in flags.items():
            setattr(playback, name, value)
        with pytest.raises(EndOfStream):
            playback.next_position(0)
        assert playback.duration_s == 0
        assert playback.time_s == 0


def test_a_seek_wakes_a_waiting_reader() -> None:
    playback = Playback(np.array([0, 3_600_000_000], np.int64))
    assert playback.next_position(1) == 0
    seen: list[int | None] = []
    reader = threading.Thread(target=lambda: seen.append(playback.next_position(30)))
    reader.start()
    time.sleep(0.05)  # The reader should be waiting by then; that it is not would fail no test.
    playback.seek_frame(1)
    reader.join(PATIENCE_S)
    assert seen == [1]


def test_controls_from_many_threads_never_break_it() -> None:
    playback = Playback(TIMES_US)
    playback.loop = True
    stop = threading.Event()

    def meddle(seed: int) -> None:
        rng = np.random.default_rng(seed)
        while not stop.is_set():
            choice = rng.integers(6)
            if choice == 0:
                playback.step(int(rng.integers(-3, 4)))
            elif choice == 1:
                playback.seek_frame(int(rng.integers(-5, 15)))
            elif choice == 2:
                playback.speed = float(rng.uniform(0.1, 8))
            elif choice == 3:
                playback.every_frame = not playback.every_frame
            elif choice == 4:
                playback.pause()
            else:
                playback.resume()
            time.sleep(0.0002)

    threads = [threading.Thread(target=meddle, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    positions = [playback.next_position(0.005) for _ in range(200)]
    stop.set()
    for thread in threads:
        thread.join()
    assert all(position is None or 0 <= position < 10 for position in positions)
    assert sum(position is not None for position in positions) > 20
