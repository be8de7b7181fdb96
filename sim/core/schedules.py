"""Schedules: what loans that are repaid by instalments agreed, and a side table of their unpaid instalments.

A loan without instalments has no row here. Rows of loans that have ended are taken again by later ones; a row's place
says nothing. Money is whole fen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# How terms are changed when a borrower cannot keep them (facts C.15); a position here is kept with the loan.
TREATMENTS = ("", "extension", "re_amortisation", "rate_cut", "forgiveness", "moratorium", "hold", "sale")

# name, dtype, meaning
SCHEDULE_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("kind", "int8", "how it is repaid: a position in the kinds of `sim.engine.day.scheduled`"),
    ("start", "int16", "day number from which its months are counted"),
    ("begin", "int16", "day number on which the period that runs began"),
    ("next_due", "int16", "day number on which it ends; 0 when all have"),
    ("number", "int16", "its number, from 1"),
    ("periods", "int16", "how many there are"),
    ("every", "int16", "days of a period; 0 where it is a month"),
    ("grace", "int16", "days after a due date within which paying costs no penalty"),
    ("n_unpaid", "int16", "unpaid instalments: the first of the loan's row in the side table"),
    ("shrinks", "bool", "whether paying early makes instalments smaller; else there are fewer"),
    ("rolls", "bool", "whether a due date on a public holiday moves to the next working day"),
    ("is_odd", "bool", "whether the period that runs is no month of the calendar: each night counts a thirtieth"),
    ("share", "int32", "ppm of the shop's sales that are paid each day"),
    ("share_left", "int32", "millionths of a fen of that share which were not yet a fen"),
    ("group", "int64", "number of the group that answers for the loan; 0 for none"),
    ("instalment", "int64", "fen of a regular instalment; of a sales share the least; of a settlement the gift"),
    ("interest_due", "int64", "fen of interest that fell due and is unpaid"),
)
UNPAID_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("due", "int16", "day number"),
    ("fee", "int64", "fen of late fee left"),
    ("interest", "int64", "fen left"),
    ("principal", "int64", "fen left"),
    ("penalty", "int64", "units of penalty owed"),
    ("waiting", "int64", "units of penalty that are owed only if the days of grace pass"),
)
SCHEDULE = np.dtype([(name, dtype) for name, dtype, _ in SCHEDULE_COLUMNS], align=True)
UNPAID = np.dtype([(name, dtype) for name, dtype, _ in UNPAID_COLUMNS], align=True)


class Schedules:
    """Schedules (n,) of SCHEDULE, and the unpaid instalments of each (n, most unpaid) of UNPAID, oldest first."""

    def __init__(self, most_unpaid: int = 1) -> None:
        self.records = np.zeros(0, SCHEDULE)
        self.unpaid = np.zeros((0, most_unpaid), UNPAID)
        self._free: list[int] = []

    def add(self, **values: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Add schedules, one an element of the given columns; gives the places they have, (k,)."""
        count = len(np.atleast_1d(np.asarray(values["next_due"])))
        if count > len(self._free):
            old = self.records.size
            size = max(old * 5 // 4, old + count - len(self._free), 64)
            for name in ("records", "unpaid"):
                table = getattr(self, name)
                grown = np.zeros((size, *table.shape[1:]), table.dtype)
                grown[:old] = table
                setattr(self, name, grown)
            self._free += range(size - 1, old - 1, -1)
        end = len(self._free) - count
        places, self._free = np.array(self._free[end:], np.int32), self._free[:end]
        self.records[places] = np.zeros((), SCHEDULE)
        for name, column in values.items():
            self.records[name][places] = column
        return places

    def give_back(self, places: npt.NDArray[Any]) -> None:
        """Let later loans have these places."""
        self._free += places.tolist()

    def state(self, places: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """Columns of the schedules at ``places`` (k,) and of their unpaid instalments, ``unpaid.NAME`` (k, most)."""
        own = {name: self.records[name][places] for name, _, _ in SCHEDULE_COLUMNS}
        return own | {f"unpaid.{name}": self.unpaid[name][places] for name, _, _ in UNPAID_COLUMNS}

    def restore(self, state: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.int32]:
        """Become schedules whose ``state`` this is; gives the places they have now, in its order."""
        self.records, self.unpaid, self._free = self.records[:0], self.unpaid[:0], []
        places = self.add(**{name: state[name] for name, _, _ in SCHEDULE_COLUMNS})
        for name, _, _ in UNPAID_COLUMNS:
            self.unpaid[name][places] = state[f"unpaid.{name}"]
        return places
