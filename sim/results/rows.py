"""The rows of a run's tables: the loan tape and the merchants as arrow tables, from the columns of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sim.core.clock import EPOCH
from sim.core.loanbook import (
    DEFAULTED_AGAIN,
    LOAN_COLUMNS,
    LOANS_A_MERCHANT,
    PRODUCTS,
    STATUSES,
    WRITTEN_OFF,
)
from sim.core.merchants import INTEGRITY, PLATFORMS, Merchants
from sim.core.schedules import TREATMENTS

Columns = Mapping[str, npt.NDArray[Any]]
_EPOCH_DAYS = EPOCH.toordinal() - 719_163  # day number 0 in days since 1970-01-01
CAUSES = ("", "unable", "unwilling", "fraud", "forgot")


def dates(day_numbers: npt.ArrayLike, none_at: int | None = 0) -> pa.Array:
    """Arrow dates of day numbers; those equal to ``none_at`` become null."""
    numbers = np.asarray(day_numbers, dtype=np.int32)
    mask = None if none_at is None else numbers == none_at
    return pa.array(numbers + np.int32(_EPOCH_DAYS), pa.int32(), mask=mask).cast(pa.date32())


def names(codes: npt.NDArray[Any], words: Sequence[str | None]) -> pa.Array:
    """Arrow strings of codes into ``words``, dictionary-encoded while in memory; None as a word gives null."""
    is_none = np.array([word is None for word in words])
    mask = is_none[codes] if is_none.any() else None
    indices = pa.array(codes.astype(np.int16), mask=mask)
    return pa.DictionaryArray.from_arrays(indices, pa.array([word or "" for word in words]))


def plain(table: pa.Table) -> pa.Table:
    """The table with dictionary columns turned into plain strings and pieces joined."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.string()))
    return table.combine_chunks()


def loan_table(c: Columns, lenders: Sequence[str]) -> pa.Table:
    """The loan tape of book columns: one row a loan, with its state today."""
    written_off = c["status"] == WRITTEN_OFF
    return pa.table(
        {
            "loan_id": c["loan_id"],
            "lender": names(c["lender"], lenders),
            "merchant_id": c["loan_id"] // LOANS_A_MERCHANT,
            "product": names(c["product"], PRODUCTS),
            "opened": dates(c["opened"]),
            "principal_fen": _fen(c["principal"]),
            "rate_ppm_year": c["rate"].astype(np.int64),
            "due": dates(c["due"]),
            "closed": dates(c["closed"]),
            "status": names(c["status"], STATUSES),
            "principal_paid_fen": c["principal_paid"],
            "interest_paid_fen": c["interest_paid"],
            "penalty_paid_fen": c["penalty_paid"],
            "refunded_fen": _fen(c["refunded"]),
            "written_off_fen": _fen(c["written_off"]),
            "recovered_fen": _fen(c["recovered"]),
            "balance_fen": c["balance"],
            "accrued_fen": np.maximum(c["accrued"] + c["suspended"], 0) // np.maximum(c["units_per_fen"], 1),
            "dpd": np.where(written_off, 0, np.maximum(c["dpd"], c["inherited_dpd"])).astype(np.int64),
            "max_dpd": c["max_dpd"].astype(np.int64),
            "restructured": c["n_restructured"] > 0,
            "score": c["score"].astype(np.float64),
            "is_first": c["is_first"],
            "first_due": dates(c["first_due"]),
            "first_due_unpaid_days": c["first_unpaid_days"].astype(np.int64),
            "refinances": c["is_refinancing"],
            "fee_paid_fen": _fen(c["fee_paid"]),
            "forgiven_fen": _fen(c["forgiven"]),
            "n_restructured": c["n_restructured"].astype(np.int64),
            "treatment": names(c["treatment"], TREATMENTS),
            "restructured_on": dates(c["restructured_day"]),
            "dpd_before": np.where(c["n_restructured"] > 0, c["inherited_dpd"], 0).astype(np.int64),
            "defaulted_again": (c["pressure"] & DEFAULTED_AGAIN) != 0,
            "cause": names(np.where((c["max_dpd"] > 0) | written_off, c["cause"], 0), CAUSES),
        }
    )


def _fen(values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return values.astype(np.int64)


def merchant_table(
    m: Merchants, categories: Sequence[str], shops: npt.NDArray[Any] | None, diverts: npt.NDArray[np.bool_], rows: slice
) -> pa.Table:
    """The merchants of ``rows``, with the hidden truth; ``shops`` (n,) are the ids of the real shops of a replay.

    ``diverts`` (n,) says who takes borrowed money out of the shop.
    """
    traits = {
        name: getattr(m, name)[rows].astype(np.float64)
        for name in (
            "margin",
            "growth",
            "volatility",
            "promotion_fit",
            "lead_days",
            "cover_days",
            "return_rate",
            "wash",
            "off_platform",
            "habit",
            "price_sensitivity",
            "patience",
        )
    }
    real = {} if shops is None else {"shop": pa.array(shops[rows])}
    return pa.table(
        {
            "merchant_id": m.merchant_id[rows].astype(np.int64),
            **real,
            "platform": names(m.platform[rows], PLATFORMS).cast(pa.string()),
            "category": names(m.category[rows], categories).cast(pa.string()),
            "region": m.region[rows].astype(np.int64),
            "opened": dates(m.opened_day[rows]),
            "entered": dates(m.entry_day[rows]),
            "closed": dates(np.where(m.status[rows] >= 2, m.closed_day[rows], 0)),
            "integrity": names(m.integrity[rows], INTEGRITY).cast(pa.string()),
            "quality": m.quality[rows].astype(np.float64),
            "size_fen": np.rint(m.base_orders[rows].astype(np.float64) * m.order_value[rows]).astype(np.int64),
            "sales_fen": m.sales_total[rows].astype(np.int64),
            "lost_sales_fen": m.lost_total[rows].astype(np.int64),
            "n_loans": m.n_loans[rows].astype(np.int64),
            "days_in_debt": m.days_in_debt[rows].astype(np.int64),
            "wallet_fen": m.wallet[rows].astype(np.int64),
            "outside_debt_fen": m.outside_debt[rows].astype(np.int64),
            "diverts": diverts[rows],
            "luck": m.luck[rows].astype(np.float64),
            **traits,
        }
    )


def no_loans() -> dict[str, npt.NDArray[Any]]:
    return {name: np.zeros((0,) if shape == 1 else (0, shape), dtype) for name, dtype, shape, _ in LOAN_COLUMNS}
