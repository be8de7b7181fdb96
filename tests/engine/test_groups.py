"""Joint liability by hand: what a member pays for another (facts C.12; Besley and Coate's choice, contagion)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from small import ROUGH, YUAN, Desk, lived, scenario

from sim.core.loanbook import ACTIVE, PRODUCTS
from sim.core.merchants import HONEST, OPPORTUNIST, Merchants
from sim.engine.day.borrower import RepayRules
from sim.engine.day.loan import REPAY_TOTALS, T_WALLET
from sim.engine.groups import form_groups, pay_for_each_other
from sim.engine.lend import ASK_AGAIN
from sim.lenders.product_terms import JointLiability
from sim.world.peers import chance_to_succeed

JOINT = PRODUCTS.index("joint_liability")


def group(late_yuan: int, wallets: tuple[int, ...], integrity: int = HONEST, sanction: float = 0.0) -> Desk:
    """Three members: the first owes ``late_yuan`` since five days, the others are not late."""
    desk = Desk(shops=3, peer_sanction=sanction)
    desk.m.integrity[:] = integrity
    desk.m.wallet[:] = np.array(wallets) * YUAN
    plans = desk.book.schedules
    at = plans.add(next_due=[desk.FIRST + 30] * 3, number=2, periods=6, group=[1, 1, 1], instalment=[20_000] * 3)
    for row in range(3):
        desk.lend(1_000, row=row, product=JOINT, schedule=at[row] + 1)
    first = desk.book.records[0]
    plan, unpaid = plans.records[at[0]], plans.unpaid[at[0]]
    plan["n_unpaid"], unpaid[0]["due"], unpaid[0]["principal"] = 1, desk.FIRST - 5, late_yuan * YUAN
    first["overdue"], first["unpaid_since"], first["dpd"] = late_yuan * YUAN, desk.FIRST - 5, 5
    return desk


def stand_in(desk: Desk) -> tuple[list[int], int]:
    """What each paid for the late one, yuan, and what that one still owes of what was due."""
    before = desk.m.wallet.copy()
    plans, sums = desk.book.schedules, np.zeros((1, len(REPAY_TOTALS)), np.int64)
    rules = RepayRules(today=desk.FIRST, **desk.rules)
    loans, members, edges = desk.book.records, np.arange(3), np.array([0, 3])
    pay_for_each_other(
        loans, plans.records, plans.unpaid, members, edges, desk._borrowers, desk._records, desk.terms, rules, sums
    )  # fmt: skip
    paid = ((before - desk.m.wallet) / YUAN).astype(int).tolist()
    assert sums[0, T_WALLET] == sum(paid) * YUAN
    return paid, int(loans[0]["overdue"]) // YUAN


def test_the_others_pay_in_equal_parts() -> None:
    assert stand_in(group(200, (0, 500, 500))) == ([0, 100, 100], 0)


def test_who_has_less_pays_what_it_has() -> None:
    assert stand_in(group(200, (0, 30, 500))) == ([0, 30, 100], 70)


def test_who_would_not_pay_so_much_for_another_pays_nothing() -> None:
    """An opportunist weighs its part against what it would lose with its peers: pay both, or pay none."""
    assert stand_in(group(200, (0, 500, 500), OPPORTUNIST, sanction=99.0 * YUAN)) == ([0, 0, 0], 200)
    assert stand_in(group(200, (0, 500, 500), OPPORTUNIST, sanction=101.0 * YUAN)) == ([0, 100, 100], 0)


def test_when_all_fail_nobody_pays() -> None:
    desk = group(200, (0, 0, 0))
    assert stand_in(desk) == ([0, 0, 0], 200)


def test_a_late_one_does_not_pay_for_another() -> None:
    desk = group(200, (0, 500, 500))
    desk.book.records[1]["dpd"] = 3
    assert stand_in(desk) == ([0, 0, 200], 0)


def test_the_next_loan_is_at_stake_only_with_a_lender_that_holds_it_back() -> None:
    for holds, paid in ((1, [0, 100, 100]), (0, [0, 0, 0])):
        desk = group(200, (0, 500, 500), OPPORTUNIST)
        desk.m.lender["limit_fen"][0, :] = 1_000 * YUAN
        desk.rules["credit_value"] = 0.2
        desk.terms.holds[:] = holds
        assert stand_in(desk)[0] == paid


GROUPS: dict[str, Any] = {
    "lenders.ali.products": {
        "order_loan": None, "revolving_line": None, "joint_liability": {"term": "6 months", "minimum": "500 yuan"},
    },
    "lenders.ali.equity": "4 m yuan",
    "merchants.borrowing.habit_mean": 0.3,
    "merchants.character": {"opportunists": 0.35},
    "lenders.ali.scoring.cutoff": 0.2,
    "merchants.number": 1500,
}  # fmt: skip


def members(market: Any) -> list[Any]:
    """Positions of the loans of every group, those that are still open."""
    book, plans = market.book, market.book.schedules.records
    own = np.flatnonzero((book["product"] == JOINT) & (book["status"] == ACTIVE))
    number = plans["group"][book["schedule"][own] - 1]
    keys = number * 100_000 + book["opened"][own]
    return [own[keys == key] for key in np.unique(keys)]


def test_those_who_choose_each_other_are_more_alike_than_neighbours() -> None:
    m, n = Merchants(90, 1), 90
    m.merchant_id[:], m.region[:] = np.arange(1, n + 1), np.arange(n) % 6
    m.integrity[:] = np.where(np.arange(n) % 3 == 0, OPPORTUNIST, HONEST)
    m.fixed_cost[:], m.wallet[:] = 1_000.0, 1_000.0 * np.arange(n)
    spread = {}
    for matching in ("neighbours", "chosen"):
        lender: Any = SimpleNamespace(terms={"joint_liability": JointLiability(matching=matching)})
        group = form_groups(lender, m, np.arange(n), np.full(n, JOINT, np.int8), np.ones(n, np.bool_))
        numbers, sizes = np.unique(group, return_counts=True)
        assert sizes.tolist() == [3] * 30
        chance = chance_to_succeed(m, np.arange(n))
        spread[matching] = np.mean([np.ptp(chance[group == number]) for number in numbers])
        mixed = [len(set(m.region[group == number])) > 1 for number in numbers]
        assert any(mixed) is (matching == "chosen")
    assert 3.0 * spread["chosen"] < spread["neighbours"]


def test_no_member_gets_credit_while_one_is_late() -> None:
    plan = ROUGH | GROUPS | {"lenders.ali.products.joint_liability.hold_after": "5 days"}
    market = lived(scenario(plan), 0, seed=4)
    held = 0
    while market.running and held < 50:
        market.step()
        today = market.calendar[market.day_index - 1].number
        for loans in members(market):
            late, rows = market.book["dpd"][loans], market.book["row"][loans]
            if late.max() >= 5:
                assert (market.merchants.lender["refused_until"][0, rows] > today + ASK_AGAIN).all()
                assert (market.merchants.lender["limit_fen"][0, rows] == 0).all()  # on days of a review too
                assert (market.merchants.last_loan_day[rows] < today).all()
                held += int((late == 0).sum())
    assert held >= 50
