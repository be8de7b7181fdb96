"""Borrowers who use the money for something else than the shop (facts A.1.3): hidden, and seen only by its traces."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.loanbook import SECURED
from sim.core.merchants import Merchants
from sim.world.behaviour import Borrowing


def diverts(ids: npt.NDArray[np.int32], p: Borrowing, seed: int) -> npt.NDArray[np.bool_]:
    """Who takes borrowed money out of the shop, (n,): the same merchants all along."""
    return np.asarray(draws.uniform(seed, "borrow.divert", draws.ONCE, ids) < p.diverters)


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
    return int(out.sum())
