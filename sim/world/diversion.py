"""Borrowers who use the money for something else than the shop (facts A.1.3): hidden, and seen only by its traces.

The wallet shows where money goes, but not all of it: suppliers are also paid elsewhere, and some of those who take
money out let it look like a purchase (facts A.1.3: it cannot be watched to 100 %).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.loanbook import SECURED
from sim.core.merchants import Merchants
from sim.world.behaviour import Borrowing
from sim.world.elsewhere import AWAY

HIDDEN = 0.9  # at most this share of what a shop spends is paid outside the wallet; assumption
DISGUISED = 0.4  # share of diverted loans whose money seems to go to a supplier; assumption


def diverts(ids: npt.NDArray[np.int32], p: Borrowing, seed: int) -> npt.NDArray[np.bool_]:
    """Who takes borrowed money out of the shop, (n,): the same merchants all along."""
    return np.asarray(draws.uniform(seed, "borrow.divert", draws.ONCE, ids) < p.diverters)


def traced_share(
    ids: npt.NDArray[np.int32], loans: npt.NDArray[np.int64], p: Borrowing, seed: int
) -> npt.NDArray[np.float32]:
    """Share of the money of ``loans`` (n,) that is seen to be spent on the shops of ``ids`` (n,); 1 without a loan."""
    hidden, gone = draws.uniform(seed, "signal.traced", draws.ONCE, loans), np.zeros(loans.size)
    if p.diverters > 0.0:
        is_open = draws.uniform(seed, "signal.traced", draws.ONCE, loans, 1) >= DISGUISED
        gone[diverts(ids, p, seed) & is_open] = p.diverted
    return np.asarray(np.where(loans > 0, (1.0 - gone) * (1.0 - HIDDEN * hidden), 1.0), np.float32)


def take_out(
    m: Merchants, rows: npt.NDArray[np.intp], product: npt.NDArray[np.int8], amount: npt.NDArray[np.int64],
    p: Borrowing, seed: int,
) -> int:  # fmt: skip
    """Take a share of new loans (k,) out of the shops of those who divert; gives the fen.

    What rests on orders or goods is not diverted: it is too small, or comes with them.
    """
    if p.diverters == 0.0 or rows.size == 0:
        return 0
    goes = diverts(m.merchant_id[rows], p, seed) & ~np.isin(product, SECURED)
    out = np.minimum(np.where(goes, np.floor(amount * p.diverted), 0.0), m.wallet[rows])
    m.wallet[rows] -= out  # a merchant gets one loan of a lender a day
    m.retreat[rows[out > 0]] = AWAY  # the shop has lost its owner's interest
    return int(out.sum())
