"""Merchants as their neighbours know them, and whom they would answer for (facts C.12, Ghatak).

A safe borrower loses less with a safe partner, and gains more from one than a risky borrower does, as the liability is
paid only by those who succeed: so the safe join the safe, and the risky are left to each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.merchants import FRAUDSTER, HONEST, OPPORTUNIST, Merchants

Floats = npt.NDArray[np.float64]
_WILL = {HONEST: 1.0, OPPORTUNIST: 0.8, FRAUDSTER: 0.2}  # chance that a member means to pay; assumption
_CUSHION = 30.0  # days of costs in the till that make two thirds of a failure unlikely; assumption


def chance_to_succeed(m: Merchants, rows: npt.NDArray[np.intp]) -> Floats:
    """Chance, as neighbours see it, that a merchant will be able and willing to pay its own loan, (k,).

    Neighbours know what the lender does not: the character, and what is in the till.
    """
    will = np.choose(m.integrity[rows], [_WILL[kind] for kind in range(len(_WILL))])
    days = m.wallet[rows] / np.maximum(m.fixed_cost[rows].astype(np.float64), 1.0)
    return np.asarray(will * (1.0 - 0.5 * draws.exp(-days / _CUSHION)))


def group_payoff(own: Any, partner: Any, gain: Any, due: Any, liability: Any) -> Any:
    """Expected payoff of a borrower with success chance ``own`` and a partner with ``partner``: facts C.12.

    ``gain`` is what the project yields if it succeeds, ``due`` what the loan takes then, ``liability`` what is paid
    for a partner who fails; money in one unit, numbers or arrays.
    """
    return own * gain - (due * own + liability * own * (1.0 - partner))
