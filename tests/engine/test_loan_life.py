"""Any life of a loan: draws, days, payments and prepayments, new terms, lateness, sale, write-off, recovery.

The compiled rules move the loan, `sim.engine.settle` books what they count, and after every step the books must say
what the loan says; see `life_of_a_loan`. 100 lives of up to 100 steps here, 1,000 with ``make test-nightly``.
"""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from life_of_a_loan import Agreed, Life
from loan_day import owed

from sim.core.loanbook import PRODUCTS
from sim.core.schedules import TREATMENTS
from sim.engine.books import BANK_MONEY

ORDERS = list(itertools.permutations(range(4)))
NEW_TERMS = [name for name in TREATMENTS if name not in ("", "hold")]

AGREED = st.builds(
    Agreed,
    kind=st.sampled_from(PRODUCTS),
    ppm=st.integers(0, 500_000),
    basis=st.sampled_from((365, 360)),
    order=st.sampled_from(ORDERS),
    grace=st.sampled_from((0, 3)),
    months=st.integers(1, 8),
    late_fee=st.sampled_from((0, 777)),
    sold=st.sampled_from((0, 3_333, 50_000)),
    compounds=st.booleans(),
    by_instalment=st.booleans(),
    shrinks=st.booleans(),
    rolls=st.booleans(),
    is_first=st.booleans(),
)
TERMS = st.tuples(st.integers(1, 6), st.sampled_from((0.0, 0.3, 1.0)), st.booleans())  # months, forgiven, waives
A_FEW = st.tuples(st.just("night"), st.integers(1, 12))
A_MONTH = st.tuples(st.just("month"), st.integers(20, 40))
A_PART = st.tuples(st.just("pay"), st.integers(0, 30_000))
ANEW = st.tuples(st.sampled_from(NEW_TERMS), TERMS)
STEP = st.one_of(  # what ends a loan is rarer than what happens to it
    A_FEW, A_FEW, A_MONTH, A_MONTH, A_PART, A_PART, ANEW, ANEW, ANEW,
    st.tuples(st.just("pay"), st.integers(0, 400_000)),
    st.tuples(st.just("settle"), st.integers(-1, 1)),
    st.tuples(st.just("draw"), st.integers(1, 3_000_000)),
    st.tuples(st.just("misuse"), st.sampled_from((150, 200))),
    st.tuples(st.just("sell"), st.sampled_from((0.0, 0.05, 0.4))),
)  # fmt: skip


def take(life: Life, what: str, size: Any) -> None:
    """Take one step; what needs an open loan begins with a new one where the last is gone."""
    if what not in ("night", "month", "draw"):
        life.draw(100_000)
    if what == "draw":
        life.draw(size)
        life.pay(0)
    elif what == "pay":
        life.pay(size)
    elif what == "settle":
        life.pay(max(int(owed(*life.arrays)[0]) + size, 0))
        life.pay(size + 1)  # and a second payment on the same day
    elif what in NEW_TERMS:
        months, share, waives = size
        life.restructure(what, months, share, waives=waives)
        if what == "forgiveness" and life.book is not None:  # now and then the other part is paid, and more
            life.pay(max(int(owed(*life.arrays)[0]) - int(share * 100_000), 0))
            life.forgive()
    elif what == "misuse":
        life.misuse(size)
    elif what == "sell":
        life.sell(size)
    else:
        for _ in range(size):
            life.night()


@given(AGREED, st.lists(STEP, min_size=20, max_size=100))
def test_any_life_of_a_loan_closes_to_the_fen(agreed: Agreed, steps: list[tuple[str, Any]]) -> None:
    life = Life(agreed)
    life.draw(100_000)
    for what, size in steps:
        take(life, what, size)
    assert life.books.fen("ali", "cash") >= 0
    assert BANK_MONEY not in life.books.balances
