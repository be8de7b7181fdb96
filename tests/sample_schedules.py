"""Loans and their payments at random, for the tests of schedules, plain and compiled."""

from __future__ import annotations

import random
from dataclasses import replace
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


def drawn_widely(seed: int) -> tuple[LoanTerms, dict[date, int]]:
    """A loan of any product with any of its terms, fees, sweeps and refunds included, and its payments."""
    r = random.Random(f"wide {seed}")
    product = list(PLANS)[seed % len(PLANS)]
    terms, _ = drawn(seed * len(WITH_INTEREST) + (WITH_INTEREST.index(product) if product in WITH_INTEREST else 0))
    most = terms.principal_fen
    order = list(BUCKETS)
    r.shuffle(order)
    sold = {"daily_sales_fen": r.randrange(1, most // 5 + 3), "sales_permille": r.choice((1, 140, 300, 1000))}
    if product == "sales_share":
        price = r.choice((0, r.randrange(most // 4 + 1), r.randrange(most + 1)))
        terms = replace(terms, product=product, rate=Rate(0), periods=r.choice((7, 30, 90)), fee_fen=price, **sold)
    else:
        is_swept = product == "purchase_order" and r.random() < 0.7
        fee = r.choice((0, 0, r.randrange(most // 20 + 2)))
        terms = replace(terms, fee_fen=fee, **(sold if is_swept else {}))
    days = (Account(terms).dates[-1] - terms.start).days
    terms = replace(
        terms,
        grace_days=r.choice((0, 1, 3, 10)),
        compounds=r.random() < 0.4,
        misuse_from=terms.start + timedelta(r.randrange(days + 30)) if r.random() < 0.35 else None,
        order=r.choice((terms.order, tuple(order), tuple(order))),
        late_fee_fen=r.choice((0, 2_000, r.randrange(1, 5_000))),
        penalty_permille=r.choice((0, 1_000, 1_300, 1_400, 1_500, 1_500, 2_000, r.randrange(3_000))),
        misuse_permille=r.choice((1_500, 2_000, r.randrange(1_000, 3_000))),
        is_first=r.random() < 0.4,
    )
    return terms, _payments(r, terms)


def _payments(r: random.Random, terms: LoanTerms) -> dict[date, int]:
    """Days missed, paid in part, or with more than is due; at last more than can be owed."""
    dates, start, most = Account(terms).dates, terms.start, terms.principal_fen
    last, payments = dates[-1], dict[date, int]()
    keeps = r.choice((0.0, 0.5, 0.8))
    for day in dates:
        if r.random() > keeps:
            payments[day] = r.choice((0, r.randrange(most // len(dates) + 2), r.randrange(2 * most // len(dates) + 2)))
    for _ in range(r.randrange(4)):  # early, or after the term
        payments[start + timedelta(r.randrange((last - start).days + 40))] = r.randrange(1, 2 * most // len(dates) + 2)
    if terms.is_first and r.random() < 0.5:  # paid off within three days, or just too late for the refund
        payments[start + timedelta(r.randrange(6))] = 2 * most + terms.fee_fen + 10_000
    payments[last + timedelta(60)] = 3 * most + terms.fee_fen + 1_000_000
    return payments
