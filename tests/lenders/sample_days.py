"""Days of a desk for tests: cases written by hand, and arrivals by chance from the streams of a test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.lenders.desk_cases import Cases, draw_cases
from sim.lenders.desk_terms import KINDS, Desk, Shift

NEVER = float("inf")
NINE, SIX = 540.0, 1080.0  # a shift from 9 to 18, in minutes


def by_hand(*rows: Sequence[float], kinds: Sequence[int] = (), priorities: Sequence[int] = ()) -> Cases:
    """Cases 0, 1, ... from rows (since, service) or (since, service, patience)."""
    n = len(rows)
    return Cases(
        np.arange(n),
        np.array(kinds or [0] * n, np.int8),
        np.array([row[0] for row in rows], np.float64),
        np.array(priorities or [0] * n, np.int64),
        np.array([row[1] for row in rows], np.float64),
        np.array([row[2] if len(row) > 2 else NEVER for row in rows], np.float64),
        np.zeros(n, np.bool_),
    )


def team(staff: int, overtime: float = 0.0, skills: tuple[int, ...] = (0,), cost: int = 0) -> Shift:
    return Shift(staff, NINE, SIX, SIX + overtime, skills, cost, 1.5)


def arrivals(seed: int, a_minute: float, minutes: float) -> npt.NDArray[np.float64]:
    """Minutes of a Poisson process with the given mean number a minute."""
    ids = np.arange(int(1.2 * a_minute * minutes) + 100)
    came = np.cumsum(-draws.log(draws.uniform(seed, "sales.orders", 1, ids)) / a_minute)
    assert came[-1] > minutes
    return came[came < minutes]


def by_chance(
    seed: int,
    people: int,
    load: float,
    *,
    minutes: float,
    service: float = 10.0,
    spread: float = 1.0,
    patience: float = 0.0,
    ranks: int = 1,
) -> tuple[Cases, tuple[Shift, ...]]:
    """Cases of ``ranks`` kinds in turn, each a rank of priority, for one team that never closes.

    ``load`` is the work that comes, in units of what the people can do.
    """
    kinds = KINDS[:ranks]
    work = {
        kind: {"minutes": service, "spread": spread, "patience": patience, "priority": rank}
        for rank, kind in enumerate(kinds)
    }
    came = arrivals(seed, load * people / service, minutes)
    ids = np.arange(came.size)
    # Kinds by chance, not in turn: every kind then comes as a Poisson process of its own.
    kind = draws.choice(seed, "sales.shock", 1, ids, np.ones(ranks))
    cases = draw_cases(Desk.model_validate({"work": work}), seed, ids, kind, came)
    return cases, (Shift(people, 0.0, minutes, minutes, tuple(range(ranks))),)
