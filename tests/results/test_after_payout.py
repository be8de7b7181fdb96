"""Measures of what happens after the payout, on a run small enough to work out on paper."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from sim.results.after_payout import flows, recovery_curve, roll_rates, what_was_done
from sim.results.ledger import Ledger
from sim.results.metrics import BY_NAME, measure_all
from sim.results.run import Run

DAYS = [date(2012, 1, 1) + (date(2012, 1, 2) - date(2012, 1, 1)) * k for k in range(182)]  # to 30 June

# id, opened, due, closed, status, principal, paid, written off, forgiven, worst DPD, new terms, defaulted again
LOANS = (
    (1, (1, 5), (2, 5), (2, 5), "closed", 1000, 1000, 0, 0, 0, None, False),
    (2, (1, 5), (2, 5), (3, 10), "closed", 1000, 1000, 0, 0, 34, None, False),
    (3, (1, 5), (2, 5), None, "active", 1000, 400, 0, 0, 146, None, False),
    (4, (1, 5), (2, 5), None, "active", 1000, 500, 100, 100, 20, (1, 20), True),
    (5, (1, 5), (2, 5), (6, 1), "written_off", 1000, 0, 1000, 0, 117, (1, 25), False),
    (6, (6, 20), (7, 20), None, "active", 1000, 0, 0, 0, 0, None, False),
)
# month, loan, balance, DPD
PANEL = (
    (1, 1, 1000, 0), (1, 2, 1000, 0), (1, 3, 1000, 0), (1, 4, 1000, 0), (1, 5, 1000, 0),
    (2, 2, 1000, 24), (2, 3, 1000, 24), (2, 4, 900, 20), (2, 5, 1000, 24),
    (3, 3, 800, 55), (3, 4, 700, 20), (3, 5, 1000, 55),
    (4, 3, 600, 85), (4, 4, 600, 20), (4, 5, 1000, 85),
    (5, 3, 600, 116), (5, 4, 500, 20), (5, 5, 1000, 116),
    (6, 3, 600, 146), (6, 4, 400, 20), (6, 6, 1000, 0),
)  # fmt: skip
ENDS = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30}
# date, loan, action
ACTIONS = (
    ((2, 10), 2, "rings"), ((2, 10), 2, "reached"), ((2, 10), 2, "promises"), ((2, 17), 2, "breaks"),
    ((2, 12), 3, "rings"), ((2, 20), 3, "rings"), ((2, 20), 3, "reached"), ((2, 20), 3, "promises"),
    ((2, 27), 3, "keeps"),
    ((2, 20), 4, "asks"), ((2, 25), 4, "forgiveness"), ((2, 24), 5, "asks"), ((3, 1), 5, "extension"),
    ((3, 2), 3, "asks"), ((3, 9), 3, "gives_up"), ((3, 9), 3, "complains"),
)  # fmt: skip


def day(pair: tuple[int, int] | None) -> date | None:
    return None if pair is None else date(2012, *pair)


@pytest.fixture(scope="module")
def run() -> Run:
    loans = pa.table(
        {
            "loan_id": [one[0] for one in LOANS],
            "lender": ["ali"] * len(LOANS),
            "merchant_id": [one[0] for one in LOANS],
            "product": ["revolving_line"] * len(LOANS),
            "opened": [day(one[1]) for one in LOANS],
            "due": [day(one[2]) for one in LOANS],
            "closed": pa.array([day(one[3]) for one in LOANS], pa.date32()),
            "status": [one[4] for one in LOANS],
            "principal_fen": [one[5] * 100 for one in LOANS],
            "principal_paid_fen": [one[6] * 100 for one in LOANS],
            "balance_fen": [(one[5] - one[6] - one[7]) * 100 if one[4] == "active" else 0 for one in LOANS],
            "written_off_fen": [one[7] * 100 for one in LOANS],
            "forgiven_fen": [one[8] * 100 for one in LOANS],
            "recovered_fen": [0] * len(LOANS),
            "interest_paid_fen": [10] * len(LOANS),
            "penalty_paid_fen": [0] * len(LOANS),
            "fee_paid_fen": [0] * len(LOANS),
            "refunded_fen": [0] * len(LOANS),
            "rate_ppm_year": [219_000] * len(LOANS),
            "max_dpd": [one[9] for one in LOANS],
            "dpd": [0] * len(LOANS),
            "n_restructured": [int(one[10] is not None) for one in LOANS],
            "restructured_on": pa.array([day(one[10]) for one in LOANS], pa.date32()),
            "defaulted_again": [one[11] for one in LOANS],
            "first_due_unpaid_days": [0] * len(LOANS),
        }
    )
    months = pa.table(
        {
            "month_end": [date(2012, month, ENDS[month]) for month, *_ in PANEL],
            "loan_id": [loan for _, loan, _, _ in PANEL],
            "lender": ["ali"] * len(PANEL),
            "balance_fen": [balance * 100 for _, _, balance, _ in PANEL],
            "dpd": [dpd for *_, dpd in PANEL],
        }
    )
    actions = pa.table(
        {
            "date": [day(when) for when, _, _ in ACTIONS],
            "lender": ["ali"] * len(ACTIONS),
            "merchant_id": [loan for _, loan, _ in ACTIONS],
            "loan_id": [loan for _, loan, _ in ACTIONS],
            "action": [action for *_, action in ACTIONS],
            "detail": [0] * len(ACTIONS),
        }
    )
    flat = {
        "contacts": 2, "collection_cost_fen": 400, "people_cost_fen": 600, "late_paid_fen": 9_000,
        "recovered_fen": 1_000, "balance_fen": 200_000, "balance_restructured_fen": 40_000, "shops_shut": 0,
    }  # fmt: skip
    daily = {"date": DAYS, "lender": ["ali"] * len(DAYS)} | {k: [v] * len(DAYS) for k, v in flat.items()}
    daily["shops_shut"] = [0] * (len(DAYS) - 1) + [2]
    from sim.results.recorder import DAILY

    rest = {name: [0] * len(DAYS) for name in DAILY if name not in daily}
    tables = {"daily": pa.table(daily | rest), "loans": loans, "loan_months": months, "actions": actions}
    tables["merchants"] = pa.table({"merchant_id": [1]})
    return Run(manifest={"lenders": ["ali"], "seed": 1}, written_yaml="", sources=tables, resolved={})


def test_figures_worked_out_on_paper(run: Run) -> None:
    found = measure_all(run, "ali")
    # five loans were due at least 30 days before the end; one was never late; the worst days are cut at 90
    assert found["on_time_rate"] == 1 / 5
    assert found["late_days_mean"] == (0 + 34 + 90 + 20 + 90) / 5
    # late at the ends of February to May: 4 + 3 + 3 + 3; cured: loan 2, paid off in March
    assert found["cure_rate"] == 1 / 13
    # 1-30 days at the end of February: 1000 + 1000 + 900 + 1000, in March 700, in April 600, in May 500; of these at
    # 31-60 a month later: loan 3 with 800, loan 5 with 1000
    assert found["roll_1_30"] == 1800 / (3900 + 700 + 600 + 500)
    # at 31-60 in March: 800 + 1000; at 61-89 in April: 600 + 1000
    assert found["roll_31_60"] == 1600 / 1800
    assert found["restructured_share"] == 0.2
    assert found["loans_restructured"] == 2
    assert found["redefault_rate"] == 1.0  # one was late again, the other lost
    assert found["relief_asked"] == 3
    assert found["relief_given_up"] == 1 / 3
    assert found["relief_unheard"] == 0.0
    assert found["complaints"] == 1
    assert found["contacts"] == 2 * 182
    assert found["right_party_rate"] == 2 / 3
    assert found["promises_kept"] == 1 / 2
    assert found["collection_cost"] == 4 * 182
    assert found["people_cost"] == 6 * 182
    assert found["cost_to_collect"] == 0.1
    assert found["shops_shut"] == 0  # nobody had one closed; the market as a whole lost two
    assert found["decision_days"] is None
    assert found["platform_income_lost"] == 0.0


def test_rolls_of_a_month_sum_to_what_was_there(run: Run) -> None:
    book = Ledger(run, "ali")
    moved, whole = flows(book)
    assert (moved.sum(axis=1) == whole).all()
    panel = book.month_ends
    assert whole.sum() == panel.balance_fen[panel.day < panel.day.max()].sum()
    rates = roll_rates(book)
    assert np.allclose(rates[whole > 0].sum(axis=1), 1.0)
    # from 90 days on: loans 3 and 5 in May; in June 600 of loan 3 are still there, loan 5 is lost
    assert moved[4].tolist() == [0, 0, 0, 0, 60_000, 0, 100_000]


def test_what_has_not_happened_is_not_defined(run: Run) -> None:
    for name in ("right_party_rate", "promises_kept", "relief_given_up"):
        empty = Run(
            manifest=run.manifest,
            written_yaml="",
            sources={**run.sources, "actions": run.sources["actions"][:0]},  # type: ignore[index]
            resolved={},
        )
        assert measure_all(empty, "ali")[name] is None
    assert BY_NAME["promises_kept"].group == "after"


def test_recoveries_by_age_and_what_was_done(run: Run) -> None:
    book = Ledger(run, "ali")
    assert recovery_curve(book) == [(0, 100_000, 0.0)]  # loan 5, written off on 1 June
    done = dict(what_was_done(book))
    assert done == {
        "rings": 3, "asks": 3, "promises": 2, "reached": 2, "breaks": 1, "keeps": 1, "forgiveness": 1, "extension": 1,
        "gives_up": 1, "complains": 1,
    }  # fmt: skip
