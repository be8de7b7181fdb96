"""Schedules against an independent oracle in decimal, to the fen, over all products and terms."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any

import pytest
from decimal_oracle import Oracle
from sample_schedules import drawn_widely

from sim.lenders.account import BUCKETS, Account, LoanTerms
from sim.lenders.instalments import PLANS
from sim.lenders.schedule import Row, live

SEEDS = range(800)

# Days off in the years of the draws: 1 January, Spring Festival week, 1 to 3 May, 1 to 7 October, two lunar festivals.
LUNAR = {2010: (214, 616, 922), 2011: (203, 606, 912), 2012: (123, 623, 930), 2013: (210, 612, 919),
         2014: (131, 602, 908), 2015: (219, 620, 927)}  # fmt: skip
DAYS_OFF = frozenset(
    first + timedelta(n)
    for year, (spring, dragon, moon) in LUNAR.items()
    for first, days in (
        (date(year, 1, 1), 1), (date(year, *divmod(spring, 100)), 7), (date(year, 5, 1), 3),
        (date(year, *divmod(dragon, 100)), 1), (date(year, *divmod(moon, 100)), 1), (date(year, 10, 1), 7),
    )
    for n in range(days)
)  # fmt: skip


@cache
def lived(seed: int) -> tuple[LoanTerms, dict[date, int], Account, list[Row]]:
    terms, payments = drawn_widely(seed)
    account, rows = live(terms, list(payments.items()))
    return terms, payments, account, rows


def oracle_of(terms: LoanTerms, payments: dict[date, int]) -> Oracle:
    """The same loan in yuan and multiples."""
    return Oracle(
        terms.product,
        Decimal(terms.principal_fen) / 100,
        terms.rate.ppm_year,
        terms.rate.basis,
        terms.periods,
        terms.start,
        {day: Decimal(fen) / 100 for day, fen in payments.items()},
        smaller=terms.prepayment == "smaller",
        grace=terms.grace_days,
        order=terms.order,
        vertical=terms.by_instalment,
        compounds=terms.compounds,
        worse=Decimal(terms.penalty_permille) / 1000,
        misuse=terms.misuse_from,
        misused=Decimal(terms.misuse_permille) / 1000,
        fee=Decimal(terms.fee_fen) / 100,
        late_fee=Decimal(terms.late_fee_fen) / 100,
        is_first=terms.is_first,
        sales=Decimal(terms.daily_sales_fen) / 100,
        share=Decimal(terms.sales_permille) / 1000,
        closed_days=DAYS_OFF if terms.holidays == "next_day" else frozenset(),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_oracle_says_the_same_to_the_fen(seed: int) -> None:
    terms, payments, account, rows = lived(seed)
    oracle = oracle_of(terms, payments)
    found = []
    for row in rows:
        paid = row.paid
        amounts = (paid.principal, paid.interest, paid.penalty, paid.fee, row.balance, paid.excess)
        found.append((row.date, *(Decimal(fen) / 100 for fen in amounts)))
    assert found == oracle.run()
    assert (account.closed, Decimal(account.refunded) / 100) == (oracle.closed, oracle.refund)
    assert (account.balance, account.settles()) == (0, 0)
    assert sum(row.paid.principal for row in rows) == terms.principal_fen


# ------------------------------------------------------------------------------------ what the sample is made of

# Each feature with what takes it away: a loan counts if it lives otherwise without it.
WITHOUT: dict[str, dict[str, Any]] = {
    "fee at the payout or price": {"fee_fen": 0},
    "late fee": {"late_fee_fen": 0},
    "refund of a first loan": {"is_first": False},
    "penalty other than 1.5 times": {"penalty_permille": 1500},
    "misuse": {"misuse_from": None},
    "misuse other than 1.5 times": {"misuse_permille": 1500},
    "compounding": {"compounds": False},
    "holidays": {"holidays": "none"},
    "grace": {"grace_days": 0},
    "smaller instalments": {"prepayment": "shorter"},
    "allocation by bucket": {"by_instalment": True},
    "order of buckets": {"order": BUCKETS},
    "sweep of an advance on orders": {"daily_sales_fen": 0, "sales_permille": 0},
}
LEAST = 25


def matters(seed: int, without: dict[str, Any]) -> bool:
    """Whether a loan has a feature, and lives otherwise without it."""
    terms, payments, account, rows = lived(seed)
    if "sales_permille" in without and terms.product != "purchase_order":
        return False
    plain = replace(terms, **without)
    if plain == terms:
        return False
    other, others = live(plain, list(payments.items()))
    return (rows, account.closed, account.refunded) != (others, other.closed, other.refunded)


@pytest.mark.parametrize("feature", WITHOUT)
def test_the_sample_holds_every_feature(feature: str) -> None:
    found = islice((seed for seed in SEEDS if matters(seed, WITHOUT[feature])), LEAST)
    assert len(list(found)) == LEAST


def test_the_sample_holds_every_product_order_and_rule() -> None:
    cases = [lived(seed) for seed in SEEDS]
    terms = [case[0] for case in cases]
    assert len(cases) >= 300
    assert Counter(one.product for one in terms) == dict.fromkeys(PLANS, len(cases) // len(PLANS))
    late = Counter(one.product for one, _, _, rows in cases if sum(row.paid.fee for row in rows) > one.fee_fen)
    assert min(late[product] for product in PLANS) >= 5
    assert len({one.order for one in terms}) == 24
    for place in range(len(BUCKETS)):
        assert sum(one.order[place] == "fee" for one in terms) >= 80
    for name, values in {
        "prepayment": {"shorter", "smaller"}, "by_instalment": {True, False}, "holidays": {"none", "next_day"},
        "compounds": {True, False}, "is_first": {True, False},
    }.items():  # fmt: skip
        counted = Counter(getattr(one, name) for one in terms)
        assert set(counted) == values
        assert min(counted.values()) >= 200
    assert {one.rate.basis for one in terms} == {365, 360, "monthly"}
    assert sum(any(row.due == 0 and row.paid.principal for row in rows) for _, _, _, rows in cases) > 300
    assert sum(any(row.paid.penalty for row in rows) for _, _, _, rows in cases) > 150
    just_late = [account.closed == one.start + timedelta(4) for one, _, account, _ in cases if one.is_first]
    assert sum(just_late) >= 5
