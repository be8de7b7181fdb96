"""Loans and their payments at random, for the tests of schedules, plain and compiled."""

from __future__ import annotations

import random
from datetime import date, timedelta

from sim.core.money import Rate
from sim.lenders.account import BUCKETS, Account, LoanTerms
from sim.lenders.instalments import PLANS

WITH_INTEREST = [product for product in PLANS if product != "sales_share"]
DAYS = [product for product, plan in PLANS.items() if plan.unit == "days"]


def drawn(seed: int) -> tuple[LoanTerms, dict[date, int]]:
    """A loan and its payments at random: kept, missed, late, part, early, twice as much as is owed."""
    r = random.Random(seed)
    product = WITH_INTEREST[seed % len(WITH_INTEREST)]
    basis = r.choice((365, 360, "monthly"))
    rate = Rate(r.choice((0, 60_000, 182_500, 219_000, r.randrange(1, 500_000))), basis)  # type: ignore[arg-type]
    start = date(2010, 1, 1) + timedelta(r.randrange(1200))
    periods = r.choice((7, 30, 90)) if product in DAYS else r.choice((1, 3, 6, 9, 12, 24))
    terms = LoanTerms(
        product,
        r.choice((r.randrange(1, 5_000), r.randrange(10_000, 100_000_000), 10_000_000)),
        rate,
        periods,
        start,
        prepayment=r.choice(("shorter", "smaller")),
        grace_days=r.choice((0, 0, 3)),
        order=r.choice((BUCKETS, ("fee", "interest", "penalty", "principal"), tuple(reversed(BUCKETS)))),
        by_instalment=r.random() < 0.7,
        compounds=r.random() < 0.2,
        holidays=r.choice(("none", "none", "next_day")),
        misuse_from=start + timedelta(r.randrange(200)) if r.random() < 0.2 else None,
    )
    dates = Account(terms).dates
    payments: dict[date, int] = {}
    for day in dates:
        if r.random() < 0.5:
            payments[day] = r.choice((0, r.randrange(terms.principal_fen + 1)))
    for _ in range(r.randrange(4)):
        day = start + timedelta(r.randrange((dates[-1] - start).days + 40))
        payments[day] = r.randrange(1, 2 * terms.principal_fen // len(dates) + 2)
    payments[dates[-1] + timedelta(60)] = 3 * terms.principal_fen + 1_000_000
    return terms, payments
