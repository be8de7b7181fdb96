"""How fast many runs go, and how long what is left of them will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

# As many of the last steps as the pace is taken from: it follows a change, and is not shaken by every run.
_STEPS = 100


class Pace:
    """The pace of many runs. What was done before the first look (read back, not run) says nothing about it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque(maxlen=_STEPS)

    def say(self, done: int, runs: int) -> str:
        """Say the rate and the time left, such as ``2.5 a second, 1:20 left``; nothing before the first has ended."""
        if self._seen and done < self._seen[-1][1]:  # a new set of runs
            self._seen.clear()
        self._seen.append((self._clock(), done))
        (first, before), (now, _) = self._seen[0], self._seen[-1]
        if done == before or now <= first:
            return ""
        rate = (done - before) / (now - first)
        return f"{_rate(rate)}, {_duration((runs - done) / rate)} left"


def _rate(rate: float) -> str:
    """Runs in the longest unit of time that gives at least one."""
    for unit, seconds in (("second", 1), ("minute", 60)):
        if rate * seconds >= 1:
            return f"{rate * seconds:.1f} a {unit}"
    return f"{rate * 3600:.1f} an hour"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
