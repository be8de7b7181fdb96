"""The pace of many runs: rate and time left, of those that were run here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.app.show_progress import Pace


def clock_of(*times: float) -> Callable[[], float]:
    ticks = iter(times)
    return lambda: next(ticks)


def test_rate_and_time_left() -> None:
    pace = Pace(clock_of(0, 2, 4, 4))
    assert pace.say(0, 20) == ""
    assert pace.say(5, 20) == "2.5 a second, 0:06 left"
    assert pace.say(10, 20) == "2.5 a second, 0:04 left"


def test_runs_that_were_read_back_do_not_count() -> None:
    pace = Pace(clock_of(0, 10))
    assert pace.say(80, 100) == ""
    assert pace.say(90, 100) == "1.0 a second, 0:10 left"


def test_a_new_set_of_runs_begins_anew() -> None:
    pace = Pace(clock_of(0, 1, 2, 4))
    pace.say(0, 10)
    pace.say(10, 10)
    assert pace.say(0, 10) == ""
    assert pace.say(4, 10) == "2.0 a second, 0:03 left"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.5, "2.0 a second, 0:00 left"), (30, "2.0 a minute, 0:30 left"), (1800, "2.0 an hour, 0:30:00 left")],
)
def test_the_unit_fits(seconds: float, said: str) -> None:
    pace = Pace(clock_of(0, seconds))
    pace.say(0, 2)
    assert pace.say(1, 2) == said.replace("0:30:00", "30:00")


def test_hours_are_told() -> None:
    pace = Pace(clock_of(0, 3600))
    pace.say(0, 3)
    assert pace.say(1, 3).endswith("2:00:00 left")
