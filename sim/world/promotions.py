"""Promotions: their lift day by day, and how far ahead shops buy for them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

BUY_FROM, BUY_UNTIL = 35, 6  # days before a promotion in which shops stock up (facts C.12: 20 to 45 days before)


def lift_by_day(
    n_days: int, n_categories: int, promotions: Iterable[tuple[int, int, float, int | None]]
) -> npt.NDArray[np.float32]:
    """Lift of demand by category, (n_days, n_categories), one on ordinary days.

    ``promotions`` holds (first day index, days, lift, category or None for all); where two meet, the larger holds.
    """
    lift = np.ones((n_days, n_categories), np.float32)
    for first, length, size, category in promotions:
        span = slice(max(first, 0), max(first + length, 0))
        columns = slice(None) if category is None else slice(category, category + 1)
        lift[span, columns] = np.maximum(lift[span, columns], np.float32(size))
    return lift


def lift_to_stock_for(lift: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Sum of (lift - 1) over the promotions that a shop should hold stock for on each day, same shape.

    From ``BUY_FROM`` days before a promotion the wish builds up in a straight line, is whole ``BUY_UNTIL`` days before
    it, and ends with the promotion.
    """
    wish = np.zeros(lift.shape, np.float32)
    for day in np.flatnonzero((lift > 1.0).any(axis=1)):
        for before in range(min(BUY_FROM, int(day)) + 1):
            share = min(1.0, (BUY_FROM - before) / (BUY_FROM - BUY_UNTIL))
            wish[day - before] += np.float32(share) * np.maximum(lift[day] - 1.0, 0.0)
    return wish


def run_up(lift: npt.NDArray[np.float32], before: int) -> npt.NDArray[np.float32]:
    """How large the largest promotion is that runs or begins within ``before`` days, as 1 - 1/lift; same shape."""
    wish = np.zeros(lift.shape, np.float32)
    for day in np.flatnonzero((lift > 1.0).any(axis=1)):
        span = slice(max(0, int(day) - before), int(day) + 1)
        wish[span] = np.maximum(wish[span], np.float32(1) - np.float32(1) / np.maximum(lift[day], np.float32(1)))
    return wish
