"""What the signals tell that a lender can buy: the truth, and how far a reading is off it (facts A.1.7, A.1.8).

A reading is the truth of the day on which it is looked at, with the mistake of the day on which it was bought: the
mistake is a pure draw, and nothing is stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core import draws
from sim.core.merchants import Merchants
from sim.world.elsewhere import AWAY, share_elsewhere
from sim.world.wash import HABIT

_F = np.float32
SCALE = (0.25, 0.5, 0.75)  # concealment that a test finds in the mean, by integrity; assumption
LEAST_ON = 0.1  # share of sales that is taken to be on the platform at least; assumption
Reals = npt.NDArray[np.float64]


def whole_sales(m: Merchants, rows: npt.NDArray[np.intp], shifted: float, rival: float) -> Reals:
    """True sales of 90 days wherever they are paid, fakes left out, fen a day, (n,).

    ``shifted`` is the share of sales that owners move elsewhere who turn away, ``rival`` the share that shops make on a
    rival marketplace.
    """
    off = share_elsewhere(m.off_platform[rows], _F(shifted), m.retreat[rows].astype(_F) / _F(AWAY))
    off = share_elsewhere(off, _F(rival), _F(1))
    return np.asarray(m.sales_mean_90d[rows] * real_share(m, rows) / np.maximum(1.0 - off, LEAST_ON), np.float64)


def real_share(m: Merchants, rows: npt.NDArray[np.intp]) -> Reals:
    """Share of the recorded orders that are no fakes, as they are faked now, (n,)."""
    faked = m.wash[rows].astype(np.float64) * m.wash_level[rows] / HABIT
    return np.asarray(1.0 / (1.0 + faked))


def read(
    name: str, m: Merchants, rows: npt.NDArray[np.intp], z: Reals, noise: float, overstated: float, **elsewhere: float
) -> npt.NDArray[np.float32]:
    """Read one signal of the merchants of ``rows``, (n,).

    Parameters
    ----------
    z : ndarray (n,) of float64
        Standard normals of the readings.
    noise : float
        Standard deviation of the mistake; a factor ``exp(noise z - noise^2/2)`` on amounts and shares, whose mean is
        one, and added on the psychometric scale.
    overstated : float
        By what share opportunists overstate what they declare; fraudsters do twice as much.
    **elsewhere : float
        ``shifted`` and ``rival`` of `whole_sales`.

    Raises
    ------
    KeyError
        If there is no such signal.
    """
    if name == "psychometric":
        found: Any = np.clip(np.array(SCALE)[m.integrity[rows]] + noise * z, 0.0, 1.0)
        return np.asarray(found, _F)
    factor = draws.exp(noise * z - 0.5 * noise * noise)
    if name == "tax_sales":
        found = whole_sales(m, rows, **elsewhere) * factor
    elif name == "declared_sales":
        found = whole_sales(m, rows, **elsewhere) * (1.0 + overstated * m.integrity[rows]) * factor
    elif name == "site_visit":
        found = np.minimum(real_share(m, rows) * factor, 1.0)
    else:
        raise KeyError(name)
    return np.asarray(found, _F)


def unread(name: str, m: Merchants, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    """What stands for a signal that was not bought, (n,): the platform's own record, or nothing against anybody."""
    if name in ("tax_sales", "declared_sales"):
        return np.asarray(m.sales_mean_90d[rows], _F)
    return np.full(rows.size, 0.5 if name == "psychometric" else 1.0, _F)
