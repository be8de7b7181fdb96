"""How merchants come to a lender: to which part of them it speaks, who is reached, when, who registers: pure draws.

The market asks while it runs, the results ask again when it has ended; nothing is stored.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core import draws

NEVER = -1


class Reached(NamedTuple):
    """What one channel does to merchants, (n,) each."""

    after: npt.NDArray[np.int64]  # days from the first day it could be on that it is reached; NEVER if it is not
    registers: npt.NDArray[np.bool_]


def luck_key(lender: str) -> int:
    """A stable number of a lender's name, which keys its own draws; it does not depend on other lenders."""
    return zlib.crc32(lender.encode()) & 0xFFFF


def invited(seed: int, lender: str, ids: npt.NDArray[np.int64], share: float) -> npt.NDArray[np.bool_]:
    """Whom a lender shows its entry unasked, (n,): one draw a merchant, so that a larger share adds and never swaps."""
    found: npt.NDArray[np.bool_] = draws.uniform(seed, "lender.visible", draws.ONCE, ids, luck_key(lender)) < share
    return found


def place_in_split(seed: int, split: str, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Where merchants stand in a split of the market, (n,), between 0 and 1: one draw a merchant, for ever.

    It depends on the split's name alone: not on lenders, days or how many merchants there are.
    """
    return draws.uniform(seed, "lender.split", draws.ONCE, ids, zlib.crc32(split.encode()) & 0xFFFFFF)


def in_audience(
    seed: int, split: str, ids: npt.NDArray[np.int64], at_least: float, below: float
) -> npt.NDArray[np.bool_]:
    """Whose place in a split lies in ``[at_least, below)``, (n,)."""
    place = place_in_split(seed, split, ids)
    return (place >= at_least) & (place < below)


def come_by(
    seed: int, lender: str, channel: str, ids: npt.NDArray[np.int64], reach: float, registers: float, over: int
) -> Reached:
    """Whom a channel reaches, one draw a merchant: of the share ``reach``, the share ``registers`` registers.

    They are reached evenly over ``over`` days; a larger reach, or more who register, adds and never swaps.
    """
    key = zlib.crc32(f"{lender}/{channel}".encode()) & 0xFFFFFF
    u = draws.uniform(seed, "lender.channel", draws.ONCE, ids, key)
    both = reach * registers
    is_registered, is_reached = u < both, u < reach
    place = np.where(is_registered, u / max(both, 1e-12), (u - both) / max(reach - both, 1e-12))
    return Reached(np.where(is_reached, np.floor(place * over), NEVER).astype(np.int64), is_registered)
