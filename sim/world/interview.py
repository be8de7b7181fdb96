"""What a person finds out in a video interview or on a visit (facts A.1.2): more than the data, and not all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.merchants import HONEST, Merchants

FINDS = 0.5  # share of those who fake sales, or mean not to pay, of whom an interview finds it out; assumption
WRONGS = 0.02  # share of all others whom it takes for one; assumption


def fails(m: Merchants, rows: npt.NDArray[np.intp], seed: int, day: int) -> npt.NDArray[np.bool_]:
    """Whose answers do not fit together, (k,)."""
    hides = (m.wash[rows] > 0) | (m.integrity[rows] != HONEST)
    coin = draws.uniform(seed, "desk.review", day, m.merchant_id[rows])
    return np.asarray(coin < np.where(hides, FINDS, WRONGS))
