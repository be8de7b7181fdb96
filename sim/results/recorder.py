"""The recorder: what a run remembers. Columns are written once a day, events are appended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sim.core.loanbook import LOANS_A_MERCHANT, PRODUCTS
from sim.core.merchants import OBSERVABLE
from sim.results.rows import Columns, dates, loan_table, names, no_loans

# Columns of `daily` beside date and lender, in the order of the file. All int64.
DAILY = (
    "disbursed_fen",
    "n_loans",
    "n_active",
    "balance_fen",
    "interest_fen",
    "interest_paid_fen",
    "penalty_paid_fen",
    "refunded_fen",
    "principal_repaid_fen",
    "written_off_fen",
    "recovered_fen",
    "balance_current_fen",
    "balance_1_30_fen",
    "balance_31_60_fen",
    "balance_61_90_fen",
    "balance_90_plus_fen",
    "balance_restructured_fen",
    "balance_performing_fen",
    "customers",
    "customers_active",
    "customers_new",
    "funds_fen",
    "cash_fen",
    "bank_debt_fen",
    "equity_fen",
    "funding_cost_fen",
    "operating_cost_fen",
    "provision_fen",
    "allowance_fen",
    "applications",
    "approvals",
    "accepted",
    "rejected_funds",
    "limit_total_fen",
    "merchant_sales_fen",
    "merchants_active",
    "merchant_exits",
    "own_balance_fen",
    "partner_balance_fen",
    "pool_balance_fen",
    "expected_loss_fen",
    "passed_on_fen",
    "passed_penalty_fen",
    "passed_loss_fen",
    "servicing_fee_fen",
    "guarantee_fen",
    "premium_fen",
    "claims_fen",
    "senior_notes_fen",
    "senior_interest_fen",
    "junior_notes_fen",
    "junior_result_fen",
    "fee_paid_fen",
    "contacts",
    "collection_cost_fen",
    "people_cost_fen",
    "late_paid_fen",
    "shops_shut",
    "special_needs",
    "special_needs_met",
    "signal_cost_fen",
    "channel_cost_fen",
)
DECISIONS = ("approved", "declined", "no_funds")


class Recorder:
    """Collects the tables of a run; `take` hands over what is finished and forgets it."""

    def __init__(self, lenders: Sequence[str], seen: Sequence[str] = (), *, has_reviews: bool = False) -> None:
        self.lenders = tuple(lenders)
        # columns that policies look at, now or after a dated change
        self.seen = tuple(name for name in dict.fromkeys(seen) if name in OBSERVABLE)
        self.has_reviews = has_reviews  # whether some applications wait for people, so that it matters when they came
        self.written: set[str] = set()  # tables that have been handed over
        self._days: list[tuple[int, ...]] = []
        self._loans: list[pa.Table] = []
        self._months: list[pa.Table] = []
        self._applications: list[pa.Table] = []
        self._actions: list[tuple[Any, ...]] = []  # arrow takes longer to make a table than its few rows are worth
        self._n_bytes = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of memory that the rows recorded since the last `take` hold."""
        return self._n_bytes

    def day(self, number: int, lender: int, values: Mapping[str, int]) -> None:
        """Write one row of `daily`: a day number, a lender's index (-1 for a world without lenders), its columns."""
        self._days.append((number, lender, *(values.get(name, 0) for name in DAILY)))

    def loans(self, columns: Columns) -> None:
        """Append loans to the tape; ``columns`` are those of the loan book."""
        if columns and columns["loan_id"].size:
            self._keep(self._loans, loan_table(columns, self.lenders))

    def month_end(self, number: int, columns: Any) -> None:
        """Append the loans outstanding at a month's end; ``columns`` is the loan book, or its columns by name."""
        open_ = columns["balance"] > 0
        self._keep(
            self._months,
            pa.table(
                {
                    "month_end": dates(np.full(int(open_.sum()), number)),
                    "loan_id": columns["loan_id"][open_],
                    "lender": names(columns["lender"][open_], self.lenders),
                    "balance_fen": columns["balance"][open_],
                    "dpd": np.maximum(columns["dpd"], columns["inherited_dpd"])[open_],
                }
            ),
        )

    def applications(self, number: int, lender: int, reason_names: Sequence[str], columns: Columns) -> None:
        """Append the applications one lender decided today; see `sim.engine.lend`."""
        n = columns["merchant_id"].size
        seen = {
            f"seen_{name}": columns[f"seen_{name}"] if f"seen_{name}" in columns else _no_values(name, n)
            for name in self.seen
        }
        reasons = columns["reasons"]
        none = [name or None for name in reason_names]
        self._keep(
            self._applications,
            pa.table(
                {
                    "date": dates(np.full(n, number)),
                    "lender": names(np.full(n, lender), self.lenders),
                    "merchant_id": columns["merchant_id"].astype(np.int64),
                    "product": names(columns["product"], PRODUCTS),
                    "asked_fen": columns["asked_fen"],
                    "granted_fen": columns["granted_fen"],
                    "limit_fen": columns["limit_fen"],
                    "rate_ppm_year": columns["rate_ppm_year"],
                    "score": columns["score"],
                    "decision": names(columns["decision"], DECISIONS),
                    "accepted": columns["accepted"],
                    **{f"reason_{k + 1}": names(reasons[:, k], none) for k in range(3)},
                    **({"asked_on": dates(columns["asked_on"])} if self.has_reviews else {}),
                    **seen,
                }
            ),
        )

    def actions(
        self, number: int, action: str, lenders: npt.NDArray[Any], loans: npt.NDArray[Any], detail: Any = None
    ) -> None:
        """Append what was done today about loans, (n,): by lender's index and loan id; ``detail`` is fen or days."""
        if loans.size:
            given = np.zeros(loans.size, np.int64) if detail is None else np.asarray(detail, np.int64)
            self._actions.append((number, action, lenders, loans, given))
            self._n_bytes += 48 * loans.size

    def _keep(self, tables: list[pa.Table], table: pa.Table) -> None:
        tables.append(table)
        self._n_bytes += table.nbytes

    def take(self, *, last: bool = False) -> dict[str, pa.Table]:
        """The rows recorded since the last call, by table; they are forgotten here.

        A table without rows is left out, unless it is the ``last`` call and there never were any.
        """
        tables = {"daily": self._daily()}
        for name, parts in (
            ("loans", self._loans),
            ("loan_months", self._months),
            ("applications", self._applications),
        ):
            if parts:
                tables[name] = pa.concat_tables(parts, promote_options="permissive")
            elif last and name not in self.written:
                tables[name] = self._no_rows(name)
            parts.clear()
        if self._actions or (last and "actions" not in self.written):
            tables["actions"] = action_table(self._actions, self.lenders)
            self._actions.clear()
        self.written.update(tables)
        self._days.clear()
        self._n_bytes = 0
        return tables

    def _no_rows(self, name: str) -> pa.Table:
        """A table of the right columns without rows."""
        if name == "loans":
            return loan_table(no_loans(), self.lenders)
        if name == "loan_months":
            return _no_months()
        table = _no_applications()
        if self.has_reviews:
            table = table.append_column("asked_on", dates([]))
        for column in self.seen:
            table = table.append_column(f"seen_{column}", _no_values(column, 0))
        return table

    def _daily(self) -> pa.Table:
        rows = np.array(self._days, dtype=np.int64).reshape(-1, 2 + len(DAILY))
        lenders = (*self.lenders, "")  # index -1: a world without lenders
        columns: dict[str, Any] = {
            "date": dates(rows[:, 0]),
            "lender": names(rows[:, 1] % len(lenders), lenders),
        }
        return pa.table(columns | {name: rows[:, 2 + place] for place, name in enumerate(DAILY)})


def action_table(acts: Sequence[tuple[Any, ...]], lenders: Sequence[str]) -> pa.Table:
    """What lenders did after the payout: one row a loan and action.

    ``acts`` are a day number, an action, and arrays (n,) of lenders' indices, loan ids and details each.
    """
    counts = [loans.size for _, _, _, loans, _ in acts]
    words = list(dict.fromkeys(action for _, action, *_ in acts))
    nothing = np.zeros(0, np.int64)
    lender, loan, detail = (np.concatenate([nothing, *(act[k] for act in acts)]).astype(np.int64) for k in (2, 3, 4))
    code = np.repeat([words.index(action) for _, action, *_ in acts] or nothing, counts or nothing)
    return pa.table(
        {
            "date": dates(np.repeat([number for number, *_ in acts] or nothing, counts or nothing)),
            "lender": names(lender, lenders or ("",)),
            "merchant_id": loan // LOANS_A_MERCHANT,
            "loan_id": loan,
            "action": names(code.astype(np.int64), words or ("",)),
            "detail": detail,
        }
    )


def _no_values(name: str, n: int) -> pa.Array:
    """Nulls in place of an observable column that today's policies do not look at."""
    return pa.nulls(n, pa.from_numpy_dtype(np.dtype(OBSERVABLE[name].dtype)))


def _no_months() -> pa.Table:
    return pa.table(
        {
            "month_end": dates([]),
            "loan_id": pa.array([], pa.int64()),
            "lender": pa.array([], pa.string()),
            "balance_fen": pa.array([], pa.int64()),
            "dpd": pa.array([], pa.int16()),
        }
    )


def _no_applications() -> pa.Table:
    numbers = ("merchant_id", "asked_fen", "granted_fen", "limit_fen", "rate_ppm_year")
    return pa.table(
        {
            "date": dates([]),
            "lender": pa.array([], pa.string()),
            "merchant_id": pa.array([], pa.int64()),
            "product": pa.array([], pa.string()),
            **{name: pa.array([], pa.int64()) for name in numbers[1:]},
            "score": pa.array([], pa.float64()),
            "decision": pa.array([], pa.string()),
            "accepted": pa.array([], pa.bool_()),
            **{f"reason_{k}": pa.array([], pa.string()) for k in (1, 2, 3)},
        }
    )
