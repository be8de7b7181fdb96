"""New terms for a loan by hand: what is owed and when after them; pledges that go on paying; the sale of a debt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from life_of_a_loan import Agreed, Life
from loan_day import owed
from small import Desk

from sim.core.loanbook import ACTIVE, DEFAULTED_AGAIN, PAID_OFF, WRITTEN_OFF
from sim.core.money import Rate
from sim.core.schedules import TREATMENTS
from sim.engine.after.new_terms import OFFER, agree, sell
from sim.engine.day.loan import REPAY_TOTALS
from sim.engine.day.plan_of_loan import AT_END
from sim.lenders.instalments import equal_instalment


def late_line(nights: int = 20, **more: Any) -> Life:
    """A line of 100,000 fen at 36.5 % a year (100 fen a night) over a month (31 nights), so many days past due."""
    life = Life(Agreed("revolving_line", ppm=365_000, months=1, late_fee=500, **more))
    life.draw(100_000)
    for _ in range(31 + nights):
        life.night()
    life.evening()
    assert owed(*life.arrays) == (100_000 + 3_100 + 150 * nights + 500,) * 2
    return life


def nights(life: Life, n: int) -> None:
    for _ in range(n):
        life.night()
    life.evening()


def test_interest_stays_owed_and_penalties_and_fees_are_given_up() -> None:
    life = late_line()
    life.restructure("extension", 2, 0.0, waives=False)
    assert (life.loan["dpd"], life.loan["inherited_dpd"], life.loan["max_dpd"]) == (0, 20, 20)
    assert owed(*life.arrays) == (100_000 + 3_100 + 100, 0)
    last = int(life.arrays[1][0]["next_due"]) - life.today
    nights(life, last)
    assert owed(*life.arrays) == (100_000 + 3_100 + 100 * (last + 1),) * 2  # all of it on its day


def test_interest_may_be_waived_and_principal_forgiven_when_the_rest_is_paid() -> None:
    life = late_line()
    life.restructure("forgiveness", 2, 0.3, waives=True)
    loan, plan = life.loan, life.arrays[1][0]
    assert loan["treatment"] == TREATMENTS.index("forgiveness")
    assert (loan["balance"], loan["forgiven"]) == (100_000, 0)
    assert owed(*life.arrays) == (100_000 + 100, 0)
    life.forgive()
    assert loan["forgiven"] == 0  # nothing is paid yet
    nights(life, int(plan["next_due"]) - life.today)
    due = owed(*life.arrays)[1]
    assert due == 70_000 + (owed(*life.arrays)[0] - 100_000)  # all interest, and what is not forgiven
    life.pay(due - 1)
    life.forgive()
    assert loan["forgiven"] == 0
    life.pay(owed(*life.arrays)[1])
    life.forgive()
    assert (loan["forgiven"], loan["written_off"], loan["balance"]) == (29_999, 29_999, 1)
    life.pay(owed(*life.arrays)[1])  # the last fen falls due the next morning
    life.evening()
    assert (loan["status"], loan["principal_paid"]) == (PAID_OFF, 70_001)


def test_the_month_after_a_settlement_that_was_not_kept_bears_a_months_interest() -> None:
    life = Life(Agreed("annuity", ppm=240_000, basis=360, months=6, late_fee=0))
    life.draw(900_000)
    nights(life, 40)
    life.restructure("forgiveness", 2, 0.5, waives=True)
    plan = life.arrays[1][0]
    nights(life, int(plan["next_due"]) - life.today)
    life.pay(owed(*life.arrays)[1])  # and nobody forgives the rest
    assert life.loan["balance"] == 450_000
    first, last = life.today, int(plan["next_due"])
    assert 28 <= last - first <= 31
    nights(life, last - life.today)
    assert owed(*life.arrays)[1] == 450_000 + 9_000  # 2 % of the rest


def test_of_a_settlement_that_is_not_kept_nothing_is_forgiven() -> None:
    life = late_line()
    life.restructure("forgiveness", 2, 0.3, waives=False)
    plan = life.arrays[1][0]
    nights(life, int(plan["next_due"]) + 5 - life.today)
    life.forgive()
    assert (life.loan["balance"], life.loan["forgiven"]) == (100_000, 0)
    life.pay(owed(*life.arrays)[1])  # too late: nobody forgives it any more
    nights(life, int(plan["next_due"]) - life.today)
    assert (life.loan["overdue"], life.loan["forgiven"]) == (30_000, 0)  # the rest has fallen due


def test_equal_instalments_and_a_rate_cut() -> None:
    """At 18.25 % a year three monthly instalments of 100,000 fen: i = 1.5208 %, 34,352 fen each."""
    life = late_line()
    life.restructure("rate_cut", 3, 0.0, waives=True)
    plan = life.arrays[1][0]
    assert (life.loan["rate"], plan["periods"], plan["instalment"]) == (182_500, 3, 34_352)
    assert equal_instalment(100_000, Rate(182_500, "monthly"), 3) == 34_352
    paid = []
    for _ in range(3):
        nights(life, int(plan["next_due"]) - life.today)
        settles, due = owed(*life.arrays)
        paid.append(due)
        life.pay(due)
    assert paid[:2] == [34_352, 34_352]
    assert due == settles  # the last takes the rest
    life.evening()
    assert life.loan["status"] == PAID_OFF


@pytest.mark.parametrize("kind", ["annuity", "interest_only_bullet", "fixed_loan"])
def test_every_day_of_a_moratorium_costs_its_interest(kind: str) -> None:
    """Nothing is due for months; products whose interest counts by months owe a thirtieth of a month for each day."""
    life = Life(Agreed(kind, ppm=240_000, basis=360, months=6, late_fee=0))
    life.draw(900_000)
    nights(life, 45)
    life.restructure("moratorium", 3, 0.0, waives=True)
    first = int(life.arrays[1][0]["next_due"])
    days = first - life.today + 1
    assert days > 110
    while life.today < first - 1:
        life.night()
        assert owed(*life.arrays)[1] == 0
    life.night()
    interest = 900_000 * 0.02 / 30 * days
    assert life.arrays[2][0, 0]["interest"] == round(interest)
    assert life.arrays[1][0]["next_due"] - first in (28, 29, 30, 31)  # and then month by month


def test_who_is_late_again_under_new_terms_has_defaulted_again_at_thirty_days() -> None:
    life = late_line()
    life.restructure("extension", 1, 0.0, waives=False)
    last = int(life.arrays[1][0]["next_due"])
    nights(life, last + 29 - life.today)
    assert (life.loan["dpd"], life.loan["pressure"] & DEFAULTED_AGAIN) == (29, 0)
    nights(life, 1)
    assert (life.loan["dpd"], life.loan["pressure"] & DEFAULTED_AGAIN) == (30, DEFAULTED_AGAIN)
    life.restructure("extension", 1, 0.0, waives=False)
    assert (life.loan["n_restructured"], life.loan["inherited_dpd"], life.loan["max_dpd"]) == (2, 30, 30)


def test_new_terms_for_new_terms_forget_nothing() -> None:
    """A second agreement, before or after the loan is late again, keeps the worst days and the bucket of them."""
    life = late_line(40)
    for times, dpd in ((1, 40), (2, 40), (3, 40)):
        life.restructure("extension", 1, 0.0, waives=False)  # which checks the balances by days past due
        assert (life.loan["n_restructured"], life.loan["inherited_dpd"], life.loan["max_dpd"]) == (times, dpd, 40)
        if times == 2:
            nights(life, int(life.arrays[1][0]["next_due"]) + 9 - life.today)
            assert life.loan["dpd"] == 9


def test_interest_of_a_loan_that_was_past_ninety_days_stays_out_of_income() -> None:
    """Here past 30 days (`loan_day.NON_ACCRUAL`): new terms do not bring it back."""
    life = late_line(35)
    assert (life.loan["accrued"], life.loan["suspended"]) == (0, 3_100 * 365_000_000)
    life.restructure("extension", 2, 0.0, waives=False)
    nights(life, 10)
    assert life.loan["accrued"] == 0
    assert life.loan["suspended"] == (3_100 + 11 * 100) * 365_000_000


# ------------------------------------------------------------------------------------------------ pledged orders


def order_desk() -> Desk:
    """An order loan of 3,600 yuan on 4,000 of orders that move slowly; its term is over for five days."""
    desk = Desk(first_share=0.02, stage_share=0.02, hardship=0.0)
    desk.lend(3_600, 0, days=10, pledged=(4_000, 0, 0, 0))
    desk.live_to(15)
    assert (desk.loan()["dpd"], desk.loan()["status"]) == (5, ACTIVE)
    return desk


def test_a_pledge_pays_on_under_new_terms_and_is_free_when_the_loan_is_paid() -> None:
    desk = order_desk()
    offer, sums = np.zeros(1, OFFER), np.zeros((1, 10, len(REPAY_TOTALS)), np.int64)
    next_due = desk.FIRST + 200
    offer["treatment"], offer["kind"], offer["periods"], offer["next_due"] = 1, AT_END, 1, next_due
    offer["place"] = desk.book.schedules.add(next_due=[next_due])
    agree(desk.book.records, desk.book.schedules.records, offer, desk.FIRST + 15, sums)
    orders = int(desk.loan()["pledged"].sum())
    desk.rules["first_share"] = desk.rules["stage_share"] = 0.5
    came = 0
    while desk.loan()["status"] == ACTIVE:
        totals = desk.live_to(desk.today + 1)
        came += totals["swept"] + totals["freed"]
        assert desk.m.wallet[0] == 0 or desk.loan()["status"] == PAID_OFF  # no fen passes the loan by
        assert desk.today < 60
    assert desk.loan()["principal_paid"] == 360_000
    assert desk.loan()["pledged"].sum() == 0.0
    assert desk.m.shipped[:, 0].sum() == orders - came > 0


def test_the_pledge_of_a_debt_that_was_sold_is_the_shops_again() -> None:
    desk = order_desk()
    sums, orders = np.zeros((1, 10, len(REPAY_TOTALS)), np.int64), desk.loan()["pledged"].sum()
    balance = int(desk.loan()["balance"])
    both = np.zeros(2, np.int64)  # twice on one evening: it is sold once
    assert sell(desk.book.records, both, np.full(2, 0.25), desk.FIRST + 15, desk._records, sums) == balance // 4
    assert sums[0, 0, REPAY_TOTALS.index("written_off")] == balance
    assert desk.m.lender["n_open"][0, 0] == 0
    desk.live_to(16)
    assert (desk.loan()["status"], desk.loan()["pledged"].sum()) == (WRITTEN_OFF, 0.0)
    assert desk.m.shipped[:, 0].sum() == orders
    assert desk.loan()["recovered"] == balance // 4
