"""Channels by which merchants come to a lender: who is reached, when, and who registers, as pure draws.

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
