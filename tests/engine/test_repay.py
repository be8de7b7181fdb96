"""The loan pass against closed forms: interest, penalty, sweeps, allocation, ageing, write-off, recoveries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small import YUAN, Desk

from sim.core.loanbook import ACTIVE, PAID_OFF, WRITTEN_OFF
from sim.core.merchants import CLOSED, FRAUDSTER, OPPORTUNIST
from sim.engine.day.loan import REPAY_TOTALS
from sim.engine.lend import mark_refinancing
from sim.world.repayment import FRAUD, UNABLE, UNWILLING

FIVE, SIX = 182_500, 219_000  # 0.05 and 0.06 % a day, ppm a year
UNITS = 365_000_000  # of interest in a fen

# ------------------------------------------------------------------------------------------------------- interest


@pytest.mark.parametrize("days", [1, 2, 3, 10, 179])
def test_interest_days_are_repay_date_less_draw_date(days: int) -> None:
    desk = Desk()
    desk.lend(50_000, SIX)
    desk.live_to(days)
    assert desk.loan()["accrued"] == 5_000_000 * SIX * days
    assert desk.owed() == 5_000_000 + 3_000 * days


def test_three_days_of_fifty_thousand_cost_ninety_yuan() -> None:
    desk = Desk()
    desk.lend(50_000, SIX)
    desk.live_to(2)
    desk.give(50_090)
    totals = desk.live_to(3)
    loan = desk.loan()
    assert (loan["status"], loan["closed"] - loan["opened"]) == (PAID_OFF, 3)
    assert (loan["interest_paid"], loan["principal_paid"], loan["penalty_paid"]) == (9_000, 5_000_000, 0)
    assert (totals["interest_paid"], totals["principal_paid"], totals["from_wallet"]) == (9_000, 5_000_000, 5_009_000)
    assert desk.m.wallet[0] == 0.0
    assert desk.m.lender["n_repaid"][0, 0] == 1


def test_a_fen_less_does_not_settle_it() -> None:
    desk = Desk()
    desk.lend(50_000, SIX)
    desk.live_to(2)
    desk.give(50_089.99)
    desk.live_to(3)
    assert (desk.loan()["status"], desk.loan()["balance"], desk.m.wallet[0]) == (ACTIVE, 1, 0.0)


def test_a_loan_drawn_and_repaid_on_one_day_costs_nothing() -> None:
    desk = Desk()
    desk.lend(50_000, SIX)
    assert desk.owed() == 50_000 * YUAN
    desk.today -= 1  # the pass of the day of the draw itself
    totals = desk.live_to(0)
    assert totals["accrued"] == 0
    assert desk.loan()["accrued"] == 0


def test_the_basis_of_360_days() -> None:
    desk = Desk()
    desk.lend(50_000, 180_000, units_per_fen=360_000_000)  # 18 % of 360 days = 0.05 % a day
    totals = desk.live_to(20)
    assert desk.owed() == 50_000 * YUAN + 20 * 2_500
    assert (totals["accrued_360"], totals["accrued_365"]) == (5_000_000 * 180_000, 0)


def test_interest_rounds_half_up_once_and_what_is_left_is_dropped_from_income() -> None:
    desk = Desk()
    desk.lend(100, 73_000)  # 2 fen a day
    desk.book.records["balance"][0] = desk.book.records["principal"][0] = 10_025  # 2.005 fen a day
    desk.live_to(9)
    assert desk.loan()["accrued"] == 10_025 * 73_000 * 9
    desk.give(200)
    totals = desk.live_to(10)  # 20.05 fen: 20 are billed
    assert desk.loan()["interest_paid"] == 20
    assert totals["dropped"] == 10_025 * 73_000 * 10 - 20 * UNITS
    assert desk.loan()["accrued"] == 0


# ------------------------------------------------------------------------------------------------------- prepayment


def test_prepayment_is_free_and_stops_interest_on_what_is_repaid() -> None:
    desk = Desk()
    desk.lend(10_000, FIVE)
    desk.live_to(9)
    desk.give(4_050)
    desk.live_to(10)  # 50 yuan of interest, 4,000 of principal
    loan = desk.loan()
    assert (loan["interest_paid"], loan["balance"]) == (5_000, 600_000)
    desk.live_to(19)
    desk.give(6_000 + 30)
    desk.live_to(20)
    loan = desk.loan()
    assert loan["status"] == PAID_OFF
    assert (loan["interest_paid"], loan["penalty_paid"], loan["principal_paid"]) == (8_000, 0, 1_000_000)


def test_small_change_is_kept() -> None:
    desk = Desk()
    desk.lend(10_000, FIVE)
    desk.give(99.99)
    desk.live_to(1)
    assert (desk.loan()["balance"], desk.m.wallet[0]) == (1_000_000, 9_999.0)
    desk.give(0.01)
    desk.live_to(2)
    assert desk.m.wallet[0] == 0.0


def test_a_buffer_of_idle_money_and_the_wish_for_stock_come_before_early_repayment() -> None:
    desk = Desk(idle_days=7.0)
    desk.m.sales_mean_30d[0], desk.m.fixed_cost[0], desk.m.shortage[0] = 100 * YUAN, 20 * YUAN, 300 * YUAN
    desk.lend(10_000, FIVE)
    desk.give(7 * 120 + 300 + 500)
    desk.live_to(1)
    assert desk.m.wallet[0] == (7 * 120 + 300) * YUAN
    assert desk.loan()["principal_paid"] + desk.loan()["interest_paid"] == 500 * YUAN


# ----------------------------------------------------------------------------------------------- penalty and ageing


def overdue(yuan: int = 10_000, rate: int = FIVE, **changes: float) -> Desk:
    """A line of 30 days that nobody can repay, on its due date, with all interest paid up to then."""
    desk = Desk(**changes)
    desk.lend(yuan, rate, days=30)
    desk.live_to(29)
    desk.m.wallet[0] = 0.0
    desk.book.records["accrued"][0] = -yuan * YUAN * rate
    desk.live_to(30)
    assert (desk.loan()["overdue"], desk.loan()["accrued"], desk.loan()["dpd"]) == (yuan * YUAN, 0, 0)
    return desk


def test_twenty_days_late_on_ten_thousand_cost_150_yuan_in_place_of_normal_interest() -> None:
    desk = overdue()
    desk.live_to(50)
    assert desk.loan()["penalty"] == 15_000 * UNITS
    assert (desk.loan()["accrued"], desk.loan()["dpd"]) == (0, 20)
    assert desk.owed() == 1_015_000
    desk.live_to(49 + 1)
    desk.give(10_150 + 7.5)
    totals = desk.live_to(51)
    assert (totals["penalty_paid"], totals["interest_paid"], totals["principal_paid"]) == (15_750, 0, 1_000_000)
    assert (desk.loan()["status"], desk.loan()["max_dpd"]) == (PAID_OFF, 20)
    assert desk.m.lender["n_repaid"][0, 0] == 0  # not a clean one
    assert desk.m.lender["worst_dpd"][0, 0] == 20


def test_penalties_are_no_income_until_paid() -> None:
    desk = overdue()
    totals = desk.live_to(45)
    assert (totals["accrued"], totals["penalty_paid"]) == (0, 0)


def test_only_what_is_overdue_bears_the_penalty() -> None:
    desk = overdue()
    desk.book.records["overdue"][0] = 400_000  # six tenths are not due
    desk.book.records["due"][0] += 1_000
    desk.live_to(40)
    assert desk.loan()["penalty"] == 400_000 * FIVE * 3 // 2 * 10
    assert desk.loan()["accrued"] == 600_000 * FIVE * 10


def test_days_past_due_count_from_the_oldest_unpaid_due_date() -> None:
    desk = Desk()
    desk.lend(1_000, FIVE, days=10)
    for day, dpd in ((9, 0), (10, 0), (11, 1), (12, 2), (40, 30), (41, 31)):
        desk.live_to(day)
        assert (desk.loan()["dpd"], desk.m.lender["dpd"][0, 0]) == (dpd, dpd), day
    assert desk.loan()["first_unpaid_days"] == 31
    assert desk.loan()["first_due"] == desk.loan()["due"]


@pytest.mark.parametrize(
    ("dpd", "bucket"),
    [(0, "current"), (1, "1_30"), (30, "1_30"), (31, "31_60"), (60, "31_60"), (61, "61_90"), (89, "61_90"),
     (90, "90_plus"), (200, "90_plus")],
)  # fmt: skip
def test_buckets(dpd: int, bucket: str) -> None:
    desk = Desk()
    desk.lend(1_000, FIVE, days=10)
    totals = desk.live_to(10 + dpd)
    buckets = {name: totals[f"balance_{name}"] for name in ("current", "1_30", "31_60", "61_90", "90_plus")}
    assert buckets.pop(bucket) == 100_000
    assert set(buckets.values()) == {0}
    assert totals["balance_performing"] == (100_000 if dpd <= 30 else 0)


def test_interest_past_90_days_is_reversed_and_then_on_a_cash_basis() -> None:
    desk = Desk()
    desk.lend(10_000, FIVE, days=30)
    assert desk.live_to(30 + 89)["reversed"] == 0
    assert desk.loan()["accrued"] == 1_000_000 * FIVE * 30  # 150 yuan up to the due date, then the penalty rate
    totals = desk.live_to(30 + 90)
    assert (totals["reversed"], desk.loan()["accrued"]) == (1_000_000 * FIVE * 30, 0)
    assert desk.loan()["suspended"] == 1_000_000 * FIVE * 30
    assert desk.live_to(30 + 100)["reversed"] == 0
    penalty = 100 * 750  # 100 days at 7.50 yuan
    desk.give(750 + 150 + 100)
    totals = desk.live_to(30 + 101)
    # An able payer pays what it has only in part (hardship one half): 500 of 1,000 yuan, all of it penalty here.
    assert totals["penalty_paid"] == 50_000
    desk.give(20_000)
    totals = desk.live_to(30 + 102)
    assert totals["penalty_paid"] == penalty + 2 * 750 - 50_000
    assert (totals["suspended_paid"], totals["interest_paid"], totals["reversed"]) == (15_000, 0, 0)
    assert desk.loan()["interest_paid"] == 15_000
    assert desk.loan()["status"] == PAID_OFF


def test_what_is_not_yet_due_earns_no_income_past_90_days() -> None:
    desk = overdue()
    desk.book.records["overdue"][0] = 400_000
    desk.book.records["due"][0] += 1_000
    desk.live_to(30 + 90)
    assert desk.loan()["accrued"] == 0
    totals = desk.live_to(30 + 95)
    assert totals["accrued"] == 0
    assert desk.loan()["suspended"] == 600_000 * FIVE * 95


def test_partial_payment_does_not_reset_the_age() -> None:
    desk = overdue(rate=0)
    desk.live_to(45)
    desk.give(4_000)
    desk.live_to(46)
    assert (desk.loan()["balance"], desk.loan()["dpd"]) == (800_000, 16)


# ------------------------------------------------------------------------------------------ write-off and recoveries


def test_write_off_on_its_day_takes_principal_off_and_interest_out_of_income() -> None:
    desk = Desk(write_off_after=60)
    desk.lend(10_000, FIVE, days=30)
    assert desk.live_to(30 + 59)["written_off"] == 0
    totals = desk.live_to(30 + 60)
    loan = desk.loan()
    assert (totals["written_off"], loan["written_off"], loan["balance"]) == (1_000_000, 1_000_000, 0)
    assert totals["reversed"] == 1_000_000 * FIVE * 30
    assert (loan["status"], loan["closed"] - loan["opened"], loan["max_dpd"]) == (WRITTEN_OFF, 90, 60)
    own = desk.m.lender
    assert (own["exposure_fen"][0, 0], own["line_fen"][0, 0], own["n_open"][0, 0]) == (0, 0, 0)
    assert totals["n_active"] == 0
    totals = desk.live_to(30 + 61)
    assert (totals["written_off"], totals["accrued"], own["n_open"][0, 0]) == (0, 0, 0)


def test_the_record_remembers_the_day_of_the_write_off() -> None:
    desk = Desk(write_off_after=60)
    desk.lend(10_000, FIVE, days=30)
    desk.live_to(100)
    assert desk.m.lender["worst_dpd"][0, 0] == desk.loan()["max_dpd"] == 60


def test_a_write_off_past_90_days_reverses_nothing_twice() -> None:
    desk = Desk(write_off_after=120)
    desk.lend(10_000, FIVE, days=30)
    reversed_ = [desk.live_to(day)["reversed"] for day in range(30, 30 + 125)]
    assert sum(reversed_) == 1_000_000 * FIVE * 30


def test_recoveries_come_by_cause_and_never_more_than_was_written_off() -> None:
    shares = {"recovered_unable": 0.01, "recovered_unwilling": 0.002}
    desk = Desk(shops=3, write_off_after=60, **shares)
    desk.m.integrity[:] = (0, OPPORTUNIST, FRAUDSTER)
    desk.m.bust_day[2] = Desk.FIRST
    for row in range(3):
        desk.lend(10_000, FIVE, days=30, row=row)
    desk.live_to(90)
    assert desk.book["cause"].tolist() == [UNABLE, UNWILLING, FRAUD]
    totals = desk.live_to(91)
    assert desk.book["recovered"].tolist() == [10_000, 2_000, 0]
    assert totals["recovered"] == 12_000
    desk.live_to(92)
    assert desk.book["recovered"][0] == 10_000 + 9_900
    desk.live_to(3_000)
    assert 990_000 < desk.book["recovered"][0] <= 1_000_000
    assert desk.book["recovered"][2] == 0
    assert desk.book["written_off"].tolist() == [1_000_000] * 3


# ---------------------------------------------------------------------------------------------------- order of payment


def in_arrears(allocation: tuple[int, ...]) -> Desk:
    """10,000 yuan overdue for 20 days: 150 yuan of penalty, 150 of interest are owed beside the principal."""
    desk = Desk(allocation=allocation, hardship=1.0)
    desk.lend(10_000, FIVE, days=30)
    desk.live_to(49)
    return desk


@pytest.mark.parametrize(
    ("order", "paid"),
    [
        ((0, 1, 2), (15_000, 5_000, 0)),
        ((1, 0, 2), (5_000, 15_000, 0)),
        ((0, 2, 1), (15_000, 0, 5_000)),
        ((2, 0, 1), (0, 0, 20_000)),
        ((1, 2, 0), (0, 15_000, 5_000)),
        ((2, 1, 0), (0, 0, 20_000)),
    ],
)
def test_a_payment_goes_in_the_lenders_order(order: tuple[int, int, int], paid: tuple[int, int, int]) -> None:
    desk = in_arrears(order)
    desk.give(200)
    totals = desk.live_to(50)
    assert (totals["penalty_paid"], totals["interest_paid"], totals["principal_paid"]) == paid
    assert sum(paid) == totals["from_wallet"] == 20_000
    assert desk.owed() == 1_000_000 + 30_000 - 20_000


# ----------------------------------------------------------------------------------------------------- pledged orders


def test_pledged_proceeds_reach_the_lender_before_the_wallet() -> None:
    desk = Desk()
    desk.lend(9_000, FIVE, days=30, pledged=(0, 0, 6_000, 4_000))
    totals = desk.live_to(1)
    loan = desk.loan()
    assert (totals["swept"], totals["from_wallet"], totals["freed"]) == (400_000, 0, 0)
    assert (loan["interest_paid"], loan["principal_paid"], desk.m.wallet[0]) == (450, 399_550, 0.0)
    totals = desk.live_to(2)
    rest = 900_000 - 399_550
    interest = round(rest * 0.0005)
    assert (totals["swept"], totals["freed"]) == (rest + interest, 600_000 - rest - interest)
    assert desk.m.wallet[0] == 600_000 - rest - interest
    assert desk.loan()["status"] == PAID_OFF


def test_the_proceeds_of_one_loan_pay_only_that_loan() -> None:
    desk = Desk()
    line = desk.lend(5_000, FIVE, days=100)
    orders = desk.lend(900, FIVE, days=30, pledged=(0, 0, 0, 1_000))
    desk.rules["idle_days"], desk.m.fixed_cost[0] = 1e6, 1.0
    desk.live_to(1)
    assert desk.loan(orders)["status"] == PAID_OFF
    assert desk.loan(line)["balance"] == 500_000
    assert desk.m.wallet[0] == 100_000 - 90_000 - 45


def test_stages_pass_on_their_share_and_lose_nothing() -> None:
    desk = Desk(first_share=0.4, stage_share=0.4)
    desk.lend(900, FIVE, days=30, pledged=(1_000, 0, 0, 0))
    desk.live_to(1)
    assert desk.loan()["pledged"].tolist() == [60_000, 40_000, 0, 0]
    desk.live_to(2)
    assert desk.loan()["pledged"].tolist() == [36_000, 48_000, 16_000, 0]
    came = desk.live_to(3)["swept"]
    came += sum(desk.live_to(day)[name] for day in range(4, 40) for name in ("swept", "freed"))
    assert came + desk.m.shipped.sum() == 100_000


def test_commission_and_refunds_go_off_the_proceeds_first() -> None:
    desk = Desk()
    desk.commission[:] = 0.05
    desk.m.return_rate[0] = 0.25
    desk.lend(500, 0, days=30, pledged=(0, 0, 0, 1_000))
    totals = desk.live_to(1)
    assert (totals["refund_to_buyers"], totals["commission"]) == (25_000, 3_750)
    assert totals["swept"] + totals["freed"] == 100_000 - 25_000 - 3_750
    assert totals["swept"] == 50_000
    assert desk.m.stock[0] == pytest.approx(25_000 / 10_000 * 0.7)


def test_what_is_left_of_the_pledge_goes_back_when_the_loan_is_paid() -> None:
    desk = Desk()
    desk.lend(900, FIVE, days=30, pledged=(300, 300, 0, 1_000))
    desk.live_to(1)
    assert desk.loan()["status"] == PAID_OFF
    assert desk.loan()["pledged"].sum() == 0.0
    assert desk.m.shipped[:, 0].tolist() == [0.0, 30_000.0, 30_000.0, 0.0]


def test_returned_orders_are_due_at_once_only_beyond_what_proceeds_have_paid() -> None:
    # 10,000 yuan of orders, three quarters lent. 2,000 confirm, a fifth of them comes back: 1,600 are swept.
    desk = Desk()
    desk.m.return_rate[0] = 0.2
    desk.lend(7_800, 0, days=30, pledged=(8_000, 0, 0, 2_000), advance=0.75)
    desk.live_to(1)
    # 6,200 is owed and 0.75 of the 8,000 left is 6,000: 200 beyond, of the 0.75 x 400 that the return can ask.
    assert (desk.loan()["balance"], desk.loan()["overdue"]) == (620_000, 20_000)
    assert desk.loan()["first_due"] == Desk.FIRST + 1

    # The same return when earlier proceeds have paid more than their share asks for nothing.
    ahead = Desk()
    ahead.m.return_rate[0] = 0.2
    ahead.lend(7_000, 0, days=30, pledged=(8_000, 0, 0, 2_000), advance=0.75)
    ahead.live_to(1)
    assert (ahead.loan()["balance"], ahead.loan()["overdue"], ahead.loan()["first_due"]) == (540_000, 0, 0)


def test_a_return_never_asks_for_more_than_its_share_of_the_advance() -> None:
    desk = Desk()
    desk.m.return_rate[0] = 1.0
    desk.lend(9_900, 0, days=30, pledged=(8_000, 0, 0, 2_000), advance=0.75)  # more than the advance allows
    desk.live_to(1)
    assert desk.loan()["overdue"] == 2_000 * YUAN * 3 // 4


def test_nothing_falls_due_on_a_loan_that_its_pledge_covers_to_the_fen() -> None:
    """At an advance of 0.9, which no binary number is, 7,200 yuan stand on 8,000 yuan of orders."""
    desk = Desk()
    desk.m.return_rate[0] = 0.2
    desk.lend(8_800, 0, days=30, pledged=(8_000, 0, 0, 2_000))
    desk.live_to(1)
    assert (desk.loan()["balance"], desk.loan()["overdue"]) == (720_000, 0)


def test_who_pays_what_is_due_at_once_is_not_late() -> None:
    """A shop with money pays the returned part the day it falls due: it never is a day past due."""
    desk = Desk(idle_days=1e6)
    desk.m.return_rate[0], desk.m.fixed_cost[0] = 1.0, 1.0
    desk.lend(9_000, FIVE, days=30, pledged=(8_000, 0, 0, 2_000))
    desk.give(10_000)
    desk.live_to(2)
    assert (desk.loan()["overdue"], desk.loan()["max_dpd"]) == (0, 0)


def test_an_order_loan_is_overdue_at_the_end_of_its_term_and_not_before() -> None:
    desk = Desk(first_share=0.01, stage_share=0.01)  # the buyers take their time
    desk.lend(9_000, 0, days=30, pledged=(10_000, 0, 0, 0))
    desk.live_to(29)
    assert (desk.loan()["overdue"], desk.loan()["dpd"]) == (0, 0)
    desk.live_to(30)
    assert desk.loan()["overdue"] == desk.loan()["balance"] > 800_000
    desk.live_to(31)
    assert desk.loan()["dpd"] == 1


def test_an_order_loan_is_due_when_its_pledge_is_at_an_end() -> None:
    desk = Desk()
    desk.lend(900, 0, days=30, pledged=(0, 0, 0, 500))
    desk.live_to(1)
    assert (desk.loan()["balance"], desk.loan()["overdue"]) == (40_000, 40_000)
    desk.live_to(3)
    assert desk.loan()["dpd"] == 2


def test_order_loans_are_debited_and_cannot_be_forgotten() -> None:
    late = {}
    for pledged in ((), (100.0, 0.0, 0.0, 0.0)):
        desk = Desk(forget=1.0, log_keep=-1e-9, first_share=1e-9, stage_share=1e-9, idle_days=1e6)
        desk.m.fixed_cost[0] = 1.0
        desk.lend(90, FIVE, days=10, pledged=pledged)
        desk.give(1_000)
        desk.live_to(12)
        late[bool(pledged)] = int(desk.loan()["max_dpd"])
    assert late == {True: 0, False: 2}


def test_interest_left_when_proceeds_have_paid_the_principal_is_a_claim_like_any_other() -> None:
    """With principal first, proceeds can pay the principal and leave the interest: it is due, not long past due."""
    desk = Desk(allocation=Desk.PRINCIPAL_FIRST)
    desk.lend(9_000, FIVE, days=30, pledged=(0, 0, 0, 9_000))
    desk.live_to(1)
    assert (desk.loan()["status"], desk.loan()["balance"], desk.owed()) == (ACTIVE, 0, 450)
    assert desk.loan()["dpd"] == 0
    desk.live_to(3)
    assert desk.loan()["max_dpd"] <= 2
    desk.give(100)
    desk.live_to(4)
    assert (desk.loan()["status"], desk.loan()["interest_paid"]) == (PAID_OFF, 450)


# ------------------------------------------------------------------------------------------- first loans, causes, marks


@pytest.mark.parametrize(
    ("days", "is_first", "back"), [(1, True, 3_000), (3, True, 9_000), (4, True, 0), (3, False, 0)]
)
def test_a_first_loan_repaid_within_three_days_costs_nothing(days: int, is_first: bool, back: int) -> None:
    desk = Desk(refund_days=3)
    desk.lend(50_000, SIX, is_first=is_first)
    desk.live_to(days - 1)
    desk.give(50_000 + 30 * days)
    totals = desk.live_to(days)
    assert desk.loan()["status"] == PAID_OFF
    assert (desk.loan()["refunded"], totals["refunded"], desk.m.wallet[0]) == (back, back, back)
    assert desk.loan()["interest_paid"] == 3_000 * days


def test_the_cause_of_lateness_is_recorded() -> None:
    desk = Desk(shops=4, shop_days=120.0, sanction=0.0)
    desk.m.integrity[:] = (0, OPPORTUNIST, FRAUDSTER, OPPORTUNIST)
    desk.m.sales_mean_30d[:] = (0, 10, 10, 1_000 * YUAN)  # the last one's shop is worth far more than its debt
    desk.m.bust_day[2] = Desk.FIRST + 5
    for row in range(4):
        desk.lend(1_000, FIVE, days=10, row=row)
    desk.live_to(9)
    desk.m.wallet[1:3] = 5_000 * YUAN
    desk.live_to(12)
    assert desk.book["cause"].tolist() == [UNABLE, UNWILLING, FRAUD, UNABLE]
    assert desk.m.wallet[1:3].tolist() == [5_000 * YUAN] * 2  # money they do not pay with
    assert desk.book["dpd"].tolist() == [2] * 4


def test_a_closed_shop_is_worth_nothing_to_an_opportunist() -> None:
    desk = Desk(shops=2, shop_days=120.0, idle_days=1e6)
    desk.m.integrity[:] = OPPORTUNIST
    desk.m.sales_mean_30d[:] = 1_000 * YUAN
    desk.m.status[1] = CLOSED
    for row in range(2):
        desk.lend(1_000, FIVE, days=10, row=row)
        desk.give(2_000, row)
    desk.live_to(10)
    assert desk.book["status"].tolist() == [PAID_OFF, ACTIVE]
    assert desk.book["cause"][1] == UNWILLING


def test_sanctions_move_only_the_unwilling() -> None:
    def late(sanction: float) -> list[int]:
        desk = Desk(shops=2, sanction=sanction)
        desk.m.integrity[:] = (0, OPPORTUNIST)
        for row in range(2):
            desk.lend(1_000, FIVE, days=10, row=row)
        desk.live_to(10)
        desk.give(600, 0)  # not enough: unable
        desk.give(6_000, 1)
        desk.live_to(20)
        return [int(dpd) for dpd in desk.book["dpd"]]

    assert late(0.0) == [10, 10]
    assert late(5_000.0 * YUAN) == [10, 0]


# ---------------------------------------------------------------------------------------------------- ladder and wallet


@pytest.mark.parametrize("sweep_from", [1, 3, 10])
def test_the_wallet_is_swept_from_its_day_past_due_on(sweep_from: int) -> None:
    desk = Desk(steps=[("sweep", {"after": f"{sweep_from} days", "share": 0.8})])
    desk.m.integrity[0] = OPPORTUNIST
    desk.lend(1_000, 0, days=10)
    desk.live_to(10)
    desk.give(500)
    desk.live_to(10 + sweep_from - 1)
    assert desk.m.wallet[0] == 50_000.0
    desk.live_to(10 + sweep_from)
    assert desk.loan()["dpd"] == sweep_from
    assert desk.m.wallet[0] == 10_000.0


def test_the_first_reminder_goes_out_on_its_day_past_due() -> None:
    desk = Desk(steps=[("remind", {"after": "1 day", "every": "7 days"})])
    desk.lend(1_000, 0, days=10)
    contacts = {day - 10: desk.live_to(day)["contacts"] for day in range(1, 31)}
    assert contacts[1] == 1
    assert all(contacts[day] == 0 for day in range(-9, 1))
    assert [day for day, n in contacts.items() if n] == [1, 8, 15]  # and once a week after it


def test_a_reminder_before_the_due_date() -> None:
    desk = Desk(remind_before=3)
    desk.lend(1_000, 0, days=10)
    assert [day for day in range(1, 12) if desk.live_to(day)["contacts"]] == [7]


def test_what_falls_due_soon_is_kept_back_only_by_those_who_mean_to_pay() -> None:
    desk = Desk(horizon=7)
    desk.lend(1_000, FIVE, days=10)
    seen = {day: desk.live_to(day) and float(desk.due_soon[0]) for day in range(1, 12)}
    assert [day for day, fen in seen.items() if fen > 0] == [3, 4, 5, 6, 7, 8, 9]
    assert seen[3] == 100_000 + 150


def test_those_who_will_not_pay_keep_nothing_back() -> None:
    desk = Desk(shops=4, horizon=7, shop_days=120.0, sanction=0.0)
    desk.m.integrity[:] = (0, OPPORTUNIST, FRAUDSTER, OPPORTUNIST)
    desk.m.sales_mean_30d[:] = (0, 10, 10, 1_000 * YUAN)  # the last one's shop is worth far more than its debt
    desk.m.bust_day[2] = Desk.FIRST
    for row in range(4):
        desk.lend(1_000, FIVE, days=10, row=row)
    desk.live_to(9)
    assert (desk.due_soon > 0).tolist() == [True, False, False, True]


def test_days_in_debt_are_counted_once_a_day() -> None:
    desk = Desk()
    desk.lend(1_000, FIVE, days=100)
    desk.lend(2_000, FIVE, days=100)
    desk.live_to(10)
    assert desk.m.days_in_debt[0] == 10
    assert desk.debt[0] == 300_000
    assert desk.m.lender["exposure_fen"][0, 0] == 300_000


def test_the_record_of_a_merchant_is_its_worst_loan() -> None:
    desk = Desk()
    desk.lend(1_000, 0, days=5)
    desk.lend(1_000, 0, days=8)
    desk.live_to(20)
    assert np.array_equal(desk.book["dpd"], [15, 12])
    assert desk.m.lender["dpd"][0, 0] == 15


# ------------------------------------------------------------------------------------------------------- refinancing


def refinanced(after: int) -> Desk:
    """A line ten days late, a new loan, and the old one paid off with it so many days later."""
    desk = Desk(idle_days=1e6)
    desk.m.fixed_cost[0] = 1.0
    desk.lend(1_000, 0, days=10)
    desk.live_to(20)
    desk.m.last_loan_day[0] = Desk.FIRST + 20
    desk.lend(1_000, 0, days=100)
    desk.live_to(20 + after - 1)
    desk.give(1_000)
    desk.live_to(20 + after)
    marked = mark_refinancing(desk.book, desk.m.last_loan_day, desk.closed, Desk.FIRST + 20 + after, desk._sums)
    assert marked == (1 if after <= 3 else 0)
    by_age = dict(zip(REPAY_TOTALS, desk._sums.sum(axis=(0, 1)).tolist(), strict=True))
    assert by_age["balance_1_30"] == 100_000 * marked  # on the same day
    assert by_age["balance_current"] == 100_000 * (1 - marked)
    return desk


@pytest.mark.parametrize("after", [1, 3])
def test_a_new_loan_that_pays_off_a_late_one_carries_its_days_past_due(after: int) -> None:
    desk = refinanced(after)
    assert desk.book["status"].tolist() == [PAID_OFF, ACTIVE]
    assert desk.book["is_refinancing"].tolist() == [False, True]
    assert desk.book["inherited_dpd"][1] >= 10
    totals = desk.live_to(desk.today + 1)
    assert (desk.loan(1)["dpd"], totals["balance_current"], totals["balance_1_30"]) == (0, 0, 100_000)
    assert desk.m.lender["dpd"][0, 0] == desk.loan(1)["inherited_dpd"]


def test_a_loan_drawn_long_before_is_no_refinancing() -> None:
    desk = refinanced(4)
    assert desk.book["is_refinancing"].tolist() == [False, False]
    assert desk.book["inherited_dpd"].tolist() == [0, 0]


def test_order_loans_that_are_swept_are_no_refinancing() -> None:
    desk = Desk()
    desk.lend(900, 0, days=30, pledged=(0, 0, 0, 1_000))
    desk.live_to(0)
    desk.m.last_loan_day[0] = Desk.FIRST
    desk.lend(1_000, 0, days=100)
    desk.live_to(1)
    assert desk.book["status"][0] == PAID_OFF
    assert mark_refinancing(desk.book, desk.m.last_loan_day, desk.closed, Desk.FIRST + 1, desk._sums) == 0


# ------------------------------------------------------------------------------------------------- the short way


def crowd(seed: int, **changes: Any) -> Desk:
    """Shops with loans of all ages and kinds, and wallets from empty to full."""
    rng = np.random.Generator(np.random.Philox(seed))
    desk = Desk(shops=80, forget=0.0, idle_days=4.0, repay_ahead=5, **changes)
    m = desk.m
    m.fixed_cost[:] = rng.integers(0, 20_000, 80)
    m.sales_mean_30d[:] = rng.integers(0, 60_000, 80)
    m.wallet[:] = rng.integers(0, 400_000, 80) * rng.integers(0, 2, 80)
    m.integrity[:] = rng.choice([0, OPPORTUNIST], 80)
    for row in rng.integers(0, 80, 160).tolist():
        pledged = tuple(rng.integers(0, 900, 4).tolist()) if rng.random() < 0.4 else ()
        desk.lend(int(rng.integers(5, 9)) * 100, FIVE, days=int(rng.integers(3, 60)), row=row, pledged=pledged)
    return desk


@pytest.mark.parametrize("seed", range(4))
def test_a_quiet_loan_does_what_the_long_way_does(seed: int) -> None:
    """A reminder long before the due date sends all the long way, and changes nothing where nobody forgets."""
    short, long = crowd(seed), crowd(seed, remind_before=9_999)
    rng = np.random.Generator(np.random.Philox(seed))
    for day in range(1, 50):
        gifts = rng.integers(0, 90_000, 80) * (rng.random(80) < 0.1)
        for desk in (short, long):
            desk.m.wallet += gifts
        assert short.live_to(day) == long.live_to(day)
        assert short.book.records[:160].tobytes() == long.book.records[:160].tobytes()
        assert np.array_equal(short.debt, long.debt)
        assert np.array_equal(short.due_soon, long.due_soon)
    ours, theirs = short.m.columns(), long.m.columns()
    assert all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)
    assert {ACTIVE, PAID_OFF} <= set(short.book["status"].tolist())
    assert (short.book["max_dpd"] > 0).any()
