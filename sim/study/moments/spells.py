"""When shops are shut, and days out of the ordinary.

- ``closure_spells_7d_plus_per_shop_month``: runs of at least 7 days without orders between two days with orders (a
  run at the end is not counted, as it may be longer), over months of 30.4 recorded days since first sales.
- ``closure_spell_days_given_7plus``: their lengths.
- ``share_shops_silent_last_14d``, ``..._28d``: shops without any order on the last 14, 28 days.
- Spikes: the day's orders over the median of the 29 days around it (14 on either side, as far as the shop's recorded
  days go; at least 14 of them), on days where this median is at least 10 orders. ``spike_run_length_days`` counts
  days in a row above 2 times the median, missing days breaking the run; ``shops_with_any_spike_over_2x`` is a share
  of all shops.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.study.moments.describe import Figures, Floats, describe, ratio
from sim.study.moments.shop_days import ShopDays

SHUT = 7  # days without orders that make a closure
MONTH = 30.4  # days
AROUND = 29  # days of the local median
LEAST = 10.0  # orders a day that the local median needs


def run_lengths(is_on: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Lengths of the runs of True down each column of (days, shops), all columns together."""
    edge = np.zeros((1, is_on.shape[1]), np.int8)
    change = np.diff(np.concatenate([edge, is_on.astype(np.int8), edge]), axis=0)
    starts, ends = np.nonzero(change.T == 1)[1], np.nonzero(change.T == -1)[1]
    return ends - starts


def spells(days: ShopDays) -> Figures:
    """Closures, and shops that are silent at the end."""
    sold = days.orders > 0
    last = days.n_days - 1 - np.argmax(sold[::-1], axis=0)
    rows = np.arange(days.n_days)[:, None]
    lengths = run_lengths(~sold & (rows > days.opened) & (rows < last))
    lengths = lengths[lengths >= SHUT]
    return {
        "closure_spells_7d_plus_per_shop_month": ratio(lengths.size, days.is_lived.sum() / MONTH),
        "closure_spell_days_given_7plus": describe(lengths),
        "share_shops_silent_last_14d": float((days.n_days - 1 - last >= 14).mean()),
        "share_shops_silent_last_28d": float((days.n_days - 1 - last >= 28).mean()),
    }


def against_around(days: ShopDays, least: float = LEAST) -> Floats:
    """Each day's orders over the median of the 29 days around it, (days, shops); NaN where that is below ``least``."""
    import pandas as pd

    lived = days.lived
    local = pd.DataFrame(lived).rolling(AROUND, center=True, min_periods=AROUND // 2).median().to_numpy()
    counts = np.isfinite(lived) & (local >= least)
    multiple: Floats = np.divide(lived, local, out=np.full(lived.shape, np.nan), where=counts)
    return multiple


def spikes(days: ShopDays) -> Figures:
    """Days far above and below those around them."""
    multiple = against_around(days)
    counts = np.isfinite(multiple)
    seen, high = multiple[counts], multiple > 2.0
    found: Figures = {f"spike_days_over_{k}x_local_median_share": ratio((seen > k).sum(), seen.size) for k in (2, 3, 5)}
    return found | {
        "spike_multiple_given_over_2x": describe(seen[seen > 2.0]),
        "drop_days_under_0.25x_local_median_share": ratio((seen < 0.25).sum(), seen.size),
        "spike_run_length_days": describe(run_lengths(high)),
        "shops_with_any_spike_over_2x": float(high.any(0).mean()),
    }
