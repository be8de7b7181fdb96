"""How large shops are, and how many of their days pass without a sale.

- ``size_mean_daily_payments``: orders a day over a shop's recorded days since its first sale.
- ``size_last_12_weeks_daily_payments``, ``..._value``: orders, or yuan, of the last 84 days divided by 84, for all
  shops.
- ``zero_day_share_since_first_sale``: days without orders over all recorded days since first sales, all shops
  together; ``zero_day_share_by_shop``: the same for each shop, described; ``zero_day_share_by_size_quintile``: the
  shops of each fifth by mean orders a day together, the smallest first.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from sim.study.moments.describe import Figures, describe, group_of, ratio, size
from sim.study.moments.shop_days import ShopDays

LAST = 84  # days of the last 12 weeks


def sizes(days: ShopDays) -> Figures:
    """Sizes, days without sales, months of entry and trades of the shops."""
    lived = days.is_lived
    zero = ((days.orders == 0) & lived).sum(0)
    alive, mean = lived.sum(0), days.mean_orders()
    fifth = group_of(mean, 5)
    last = slice(max(days.n_days - LAST, 0), days.n_days)
    opened = Counter(f"{days.date_of(int(row)):%Y-%m}" for row in np.sort(days.opened))
    found: Figures = {
        "shops": days.n_shops,
        "payments": int(days.orders.sum()),
        "shop_days_since_first_sale": int(alive.sum()),
        "size_mean_daily_payments": size(mean),
        "size_last_12_weeks_daily_payments": size(days.orders[last].mean(0)),
        "zero_day_share_since_first_sale": ratio(zero.sum(), alive.sum()),
        "zero_day_share_by_shop": describe(zero / alive),
        "zero_day_share_by_size_quintile": [ratio(zero[fifth == k].sum(), alive[fifth == k].sum()) for k in range(5)],
        "entry_month_of_first_payment": dict(opened),
    }
    yuan = days.yuan
    if yuan is not None:
        found["size_last_12_weeks_daily_value"] = size(yuan[last].mean(0))
    if days.category is not None:
        trades = Counter(str(name) for name in days.category)
        found["category_share"] = {name: n / days.n_shops for name, n in trades.most_common()}
    return found
