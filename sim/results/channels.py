"""What each acquisition channel brought a lender, worked out again from the seed: nothing of it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sim.core.channels import NEVER, come_by, in_audience, invited
from sim.core.money import parse_days, parse_money

if TYPE_CHECKING:
    from sim.results.run import Run

INVITED = "invited"


def channel_table(run: Run, lender: str) -> pd.DataFrame:
    """One row for the invited and for each channel of a lender, over the whole run.

    A customer came by the channel by which it registered first; one who was invited needed none. The terms are those
    of the scenario's beginning.

    Returns
    -------
    DataFrame
        Indexed by channel: ``reached``, ``registered`` (merchants), ``customers``, ``loans``, ``disbursed_fen``,
        ``cost_fen`` and ``cost_per_customer_fen`` (missing without customers).
    """
    spec = run.scenario["lenders"][lender]
    terms = spec.get("eligibility") or {}
    merchants = run.table("merchants", ["merchant_id", "entered"]).to_pandas()
    loans = run.table("loans", ["lender", "merchant_id", "principal_fen"]).to_pandas()
    loans = loans[loans["lender"] == lender]
    ids, seed = merchants["merchant_id"].to_numpy(np.int64), int(run.manifest["seed"])
    first, last = (np.datetime64(day, "D") for day in run.days)
    since = np.maximum(merchants["entered"].to_numpy().astype("datetime64[D]"), first)
    part = spec.get("audience")  # a channel of a lender in a trial reaches its own part of the merchants alone
    is_own = in_audience(seed, part["split"], ids, part["at_least"], part["below"]) if part else np.ones(ids.size, bool)
    came = np.where(invited(seed, lender, ids, float(terms.get("invited", 1.0))), INVITED, "").astype(object)
    earliest, rows = np.full(ids.size, np.iinfo(np.int64).max), {}
    for name, one in (terms.get("channels") or {}).items():
        after, registers = come_by(
            seed, lender, name, ids, one["reach"], one["registers"], parse_days(one["over"])
        )
        is_reached = is_own & (after != NEVER) & (since + after <= last)
        earlier = is_reached & registers & (after < earliest) & (came != INVITED)
        came[earlier], earliest[earlier] = name, after[earlier]
        n_reached = int(is_reached.sum())
        rows[name] = (n_reached, int((is_reached & registers).sum()), n_reached * parse_money(one["cost"]))
    by = loans.merge(pd.DataFrame({"merchant_id": ids, "channel": came}), on="merchant_id")
    found = []
    for name in (INVITED, *rows):
        own = by[by["channel"] == name]
        reached, registered, cost = rows.get(name, (0, 0, 0))
        n = int(own["merchant_id"].nunique())
        found.append(
            {
                "channel": name, "reached": reached, "registered": registered, "customers": n, "loans": len(own),
                "disbursed_fen": int(own["principal_fen"].sum()), "cost_fen": cost,
                "cost_per_customer_fen": cost / n if n else None,
            }
        )  # fmt: skip
    return pd.DataFrame(found).set_index("channel")
