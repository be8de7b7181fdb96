"""The collection ladder in the day of a loan, by hand: when a step holds, for whom, what it does, what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small import YUAN, Desk, lived, scenario

from sim.core.loanbook import ACTIVE, HELD, PAID_OFF, PROMISED, SUED
from sim.core.merchants import HONEST, OPPORTUNIST, PLATFORMS
from sim.engine.rules import ladder_of
from sim.lenders.collection_terms import Step
from sim.world.repayment import FORGOT, UNABLE, UNWILLING

DUE = 10  # day on which the loans of this file fall due
Steps = list[tuple[str, dict[str, Any]]]


def late_desk(steps: Steps, yuan: int = 1_000, integrity: int = OPPORTUNIST, **changes: Any) -> Desk:
    """A shop with a loan without interest or penalty, due on day 10, that it does not want to pay."""
    loan = {name: changes.pop(name) for name in ("score", "is_first") if name in changes}
    desk = Desk(steps=steps, penalty_permille=0, hardship=1.0, **changes)
    desk.m.integrity[0] = integrity
    desk.lend(yuan, 0, days=DUE, **loan)
    return desk


def days_of(desk: Desk, total: str, last: int = 40) -> dict[int, int]:
    """What was counted, by days past due, where it is not nothing."""
    counts = {day - DUE: desk.live_to(day)[total] for day in range(1, DUE + last + 1)}
    return {late: count for late, count in counts.items() if count}


def pays_on(desk: Desk, late: int, last: int = 40) -> int | None:
    """Days past due on which the loan is paid by a shop that has the money from ``late`` days past due on."""
    desk.live_to(DUE + late - 1)
    desk.give(10_000)
    for day in range(DUE + late, DUE + last + 1):
        desk.live_to(day)
        if desk.loan()["status"] == PAID_OFF:
            return day - DUE
    return None


# -------------------------------------------------------------------------------------------- when and for whom


@pytest.mark.parametrize(
    ("when", "days"),
    [
        ({"after": "3 days"}, [3]),
        ({"after": "1 day", "every": "7 days"}, [1, 8, 15, 22, 29, 36]),
        ({"after": "3 days", "until": "17 days", "every": "5 days"}, [3, 8, 13]),
        ({"after": "3 days", "until": "18 days", "every": "5 days"}, [3, 8, 13, 18]),
        ({"after": "41 days"}, []),
    ],
)
def test_a_step_begins_ends_and_is_repeated_by_days_past_due(when: dict[str, str], days: list[int]) -> None:
    step = ("remind", when | {"cost": "5 yuan"})
    assert days_of(late_desk([step]), "contacts") == dict.fromkeys(days, 1)
    assert days_of(late_desk([step]), "ladder_cost") == dict.fromkeys(days, 500)


@pytest.mark.parametrize(
    ("least", "most", "is_taken"),
    [("1,000 yuan", "1,000 yuan", True), ("1,001 yuan", "2,000 yuan", False), ("0 yuan", "999 yuan", False)],
)
def test_a_step_is_for_amounts_that_are_due(least: str, most: str, is_taken: bool) -> None:
    desk = late_desk([("remind", {"after": "2 days", "least": least, "most": most})])
    assert days_of(desk, "contacts") == ({2: 1} if is_taken else {})


def test_the_amount_is_what_is_due_and_not_the_balance() -> None:
    """Of 1,000 yuan 400 are due; half of these are paid in time for the second step."""
    steps: Steps = [
        ("remind", {"after": "2 days", "least": "300 yuan", "most": "500 yuan"}),
        ("remind", {"after": "4 days", "least": "300 yuan"}),
        ("remind", {"after": "6 days", "most": "200 yuan"}),
    ]
    desk = late_desk(steps, integrity=0)
    desk.live_to(DUE)
    desk.book.records["overdue"][0], desk.book.records["due"][0] = 40_000, desk.FIRST + 500
    counts = {late: desk.live_to(DUE + late)["contacts"] for late in (1, 2)}
    desk.give(200)
    counts |= {late: desk.live_to(DUE + late)["contacts"] for late in range(3, 8)}
    assert {late for late, count in counts.items() if count} == {2, 6}


@pytest.mark.parametrize(("score", "is_taken"), [(0.25, True), (0.49, True), (0.5, False), (0.9, False), (0.2, False)])
def test_a_step_is_for_scores_between_its_own(score: float, is_taken: bool) -> None:
    desk = late_desk([("remind", {"after": "2 days", "score_from": 0.25, "score_below": 0.5})], score=score)
    assert days_of(desk, "contacts") == ({2: 1} if is_taken else {})


def test_without_a_score_a_step_is_for_all_even_for_a_score_of_one() -> None:
    assert days_of(late_desk([("remind", {"after": "2 days"})], score=1.0), "contacts") == {2: 1}


@pytest.mark.parametrize(
    ("borrowers", "is_first", "is_taken"),
    [("all", True, True), ("all", False, True), ("first", True, True), ("first", False, False),
     ("repeat", True, False), ("repeat", False, True)],
)  # fmt: skip
def test_a_step_is_for_first_or_later_loans(borrowers: str, is_first: bool, is_taken: bool) -> None:
    desk = late_desk([("remind", {"after": "2 days", "borrowers": borrowers})], is_first=is_first)
    assert days_of(desk, "contacts") == ({2: 1} if is_taken else {})


@pytest.mark.parametrize("platform", range(len(PLATFORMS)))
@pytest.mark.parametrize("chosen", [("taobao",), ("tmall", "b2b"), PLATFORMS])
def test_a_step_is_for_shops_of_its_platforms(platform: int, chosen: tuple[str, ...]) -> None:
    desk = late_desk([("remind", {"after": "2 days", "platforms": chosen})])
    desk.m.platform[0] = platform
    assert days_of(desk, "contacts") == ({2: 1} if PLATFORMS[platform] in chosen else {})


def test_steps_come_by_their_first_day_and_before_the_write_off() -> None:
    ladder = ladder_of(
        [
            Step.model_validate(step)
            for step in (
                {"action": "blacklist", "after": "90 days"},
                {"action": "remind", "before": "3 days"},
                {"action": "sweep", "after": "3 days", "share": 0.8},
            )
        ],
        write_off_after=60,
    )
    assert ladder["after"].tolist() == [3, 59]
    assert ladder["share"].tolist() == [0.8, 0.0]
    assert np.isinf(ladder["score_below"]).all()
    assert (ladder["score_from"] == 0.0).all()


# ------------------------------------------------------------------------------------------------ what it does


def test_the_largest_sweep_of_the_day_takes_its_share_of_the_wallet() -> None:
    steps: Steps = [
        ("sweep", {"after": "2 days", "until": "4 days", "share": 0.25, "cost": "1 yuan"}),
        ("sweep", {"after": "4 days", "until": "5 days", "share": 0.5}),
    ]
    desk = late_desk(steps, yuan=10_000)
    desk.live_to(DUE)
    desk.give(1_600)
    wallets, contacts, cost = {}, 0, {}
    for late in range(1, 8):
        totals = desk.live_to(DUE + late)
        wallets[late] = desk.m.wallet[0] / YUAN
        contacts += totals["contacts"]
        cost[late] = totals["ladder_cost"]
    assert wallets == {1: 1_600, 2: 1_200, 3: 900, 4: 450, 5: 225, 6: 225, 7: 225}
    assert contacts == 0  # a sweep tells nobody
    assert cost == {1: 0, 2: 100, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0}
    assert desk.loan()["balance"] == (10_000 - 1_600 + 225) * YUAN


FORGETFUL: dict[str, Any] = {"forget": 1.0, "log_keep": -1e-9}  # and nothing comes to mind by itself


def test_who_was_reminded_remembers_from_then_on() -> None:
    steps: Steps = [("remind", {"after": "5 days", "until": "9 days"})]
    for late, paid_on in ((1, 5), (7, 7), (10, 10)):
        assert pays_on(late_desk(steps, integrity=HONEST, **FORGETFUL, reminded=1.0), late) == paid_on
    assert pays_on(late_desk([], integrity=HONEST, **FORGETFUL, reminded=1.0), 1) is None


def test_who_forgets_is_neither_unable_nor_unwilling() -> None:
    for yuan in (2_000, 999):
        desk = late_desk([], integrity=HONEST, **FORGETFUL)
        desk.live_to(DUE - 1)
        desk.give(yuan)
        desk.live_to(DUE + 2)
        assert desk.loan()["cause"] == FORGOT
    desk = late_desk([], yuan=10_000, integrity=HONEST)
    desk.give(900)
    desk.live_to(DUE + 2)
    assert desk.loan()["cause"] == UNABLE


def test_what_is_being_talked_about_is_not_forgotten() -> None:
    desk = late_desk([], integrity=HONEST, **FORGETFUL)
    desk.live_to(DUE + 2)
    desk.book.records["pressure"][0] = HELD
    desk.give(2_000)
    desk.live_to(DUE + 3)
    assert desk.loan()["status"] == PAID_OFF


def test_of_those_who_forget_every_reminder_reaches_some() -> None:
    """The same loans' luck on every day: three reminders reach all whom two reach, and some more."""
    found = []
    for n in range(4):
        steps: Steps = [("remind", {"after": "1 day", "every": "1 day", "until": f"{n} days"})] if n else []
        desk = Desk(shops=400, steps=steps, penalty_permille=0, hardship=1.0, **FORGETFUL, reminded=0.4)
        for row in range(400):
            desk.lend(100, 0, days=DUE, row=row)
        desk.live_to(DUE - 1)
        desk.m.wallet[:] = 50_000.0
        desk.live_to(DUE + 9)
        found.append(set(np.flatnonzero(desk.book["status"] == PAID_OFF).tolist()))
    assert found[0] < found[1] < found[2] < found[3]
    for n, paid in enumerate(found):
        assert len(paid) == pytest.approx(400 * (1 - 0.6**n), abs=40)


def test_what_was_forgotten_is_paid_some_days_late() -> None:
    """With a chance of three quarters a day to remember: on the next day, or a third of a day later on average."""
    desk = Desk(shops=400, penalty_permille=0, forget=1.0, log_keep=float(np.log(0.25)))
    for row in range(400):
        desk.lend(100, 0, days=DUE, row=row)
    desk.live_to(DUE - 1)
    desk.m.wallet[:] = 50_000.0
    desk.live_to(DUE + 20)
    assert (desk.book["status"] == PAID_OFF).all()
    assert desk.book["closed"].min() == desk.FIRST + DUE + 1
    assert (desk.book["closed"] - desk.FIRST - DUE).mean() == pytest.approx(4 / 3, abs=0.15)


@pytest.mark.parametrize(
    ("tone", "sanction", "from_day", "paid_on"),
    [
        ("plain", 950, 1, None),
        ("positive", 890, 1, None),  # 890 + a tenth of 1,000 yuan do not make up for 1,000
        ("positive", 900, 1, 3),
        ("positive", 900, 5, 5),  # it lasts
        ("threat", 890, 1, None),
        ("threat", 900, 1, 3),
        ("threat", 900, 4, None),  # and a threat does not
    ],
)
def test_tones_move_the_unwilling(tone: str, sanction: int, from_day: int, paid_on: int | None) -> None:
    steps: Steps = [("remind", {"after": "3 days", "every": "1 day", "tone": tone})]
    desk = late_desk(steps, sanction=sanction * 100.0, encouraged=0.1, threatened=0.1)
    assert pays_on(desk, from_day) == paid_on
    if paid_on is None:
        assert desk.loan()["cause"] == UNWILLING


@pytest.mark.parametrize("tone", ["plain", "positive", "threat"])
def test_no_tone_moves_those_who_cannot_pay(tone: str) -> None:
    """An honest shop pays what it has, whatever it is told."""
    desk = late_desk([("remind", {"after": "3 days", "every": "1 day", "tone": tone})], integrity=0, encouraged=1.0)
    desk.live_to(DUE + 1)
    desk.give(400)
    desk.live_to(DUE + 9)
    assert (desk.loan()["balance"], desk.loan()["dpd"]) == (60_000, 9)


@pytest.mark.parametrize(
    ("yuan", "late", "pays"),
    [(2_000, 3, True), (2_001, 3, False), (1_500, 33, True), (1_501, 33, False), (1_333, 63, True), (1_334, 63, False)],
)
def test_shame_before_contacts_fades_but_for_close_ones(yuan: int, late: int, pays: bool) -> None:
    """2,000 yuan on the first day; 30 days later 0.5 + 0.5 / 2 of it, 60 days later 0.5 + 0.5 / 3."""
    steps: Steps = [("tell_contacts", {"after": "3 days"})]
    desk = late_desk(steps, yuan=yuan, shamed=200_000.0, close_ties=0.5)
    assert (pays_on(desk, late, late) == late) is pays


def test_a_lawsuit_weighs_on_the_unwilling_and_a_promise_is_not_forgotten() -> None:
    for pressure, paid_on in ((0, None), (SUED, 5)):
        desk = late_desk([], sanction=700.0 * YUAN, sued=0.3)
        desk.live_to(DUE + 4)
        desk.book.records["pressure"][0] = pressure
        assert pays_on(desk, 5) == paid_on
    for pressure, paid_on in ((0, None), (PROMISED, 5)):
        desk = late_desk([], integrity=HONEST, **FORGETFUL)
        desk.live_to(DUE + 4)
        desk.book.records["pressure"][0] = pressure
        assert pays_on(desk, 5) == paid_on


# --------------------------------------------------------------------------- what is at stake, and who is known again


@pytest.mark.parametrize(("closes", "paid_on"), [(7, 1), (0, None), (6, None)])
def test_the_shop_is_at_stake_only_with_a_lender_that_closes_shops(closes: int, paid_on: int | None) -> None:
    desk = late_desk([], shop_days=120.0, closes=closes)
    desk.m.sales_mean_30d[0] = 1_000 * YUAN  # 0.3 x 120 days of them: 36,000 yuan
    assert pays_on(desk, 1) == paid_on


@pytest.mark.parametrize(("remembers", "paid_on"), [(1.0, 1), (0.84, 1), (0.83, None)])
def test_credit_is_at_stake_as_far_as_the_lender_will_know_its_borrower(remembers: float, paid_on: int | None) -> None:
    desk = late_desk([], credit_value=1.0, remembers=remembers)
    desk.m.lender["limit_fen"][0, 0] = 1_200 * YUAN
    assert pays_on(desk, 1) == paid_on


def test_what_is_at_stake_follows_from_the_ladder_and_from_identity() -> None:
    few = {"lenders.ali.collection.steps": {"close_shop": None}, "merchants.repayment": {"evades": 0.4}}
    market = lived(scenario({"merchants.number": 20}), 0)
    assert (market.terms.closes[0], market.terms.remembers[0]) == (7, 1.0)  # on all three platforms
    market = lived(scenario({"merchants.number": 20, **few, "lenders.ali.collection.identity": False}), 0)
    assert (market.terms.closes[0], market.terms.remembers[0]) == (0, 0.6)


# ------------------------------------------------------------------------------------------------ tonight, or in peace


def test_evening_steps_wait_for_their_days_and_for_what_was_not_done() -> None:
    steps: Steps = [
        ("call", {"after": "3 days", "until": "8 days", "every": "2 days", "cost": "9 yuan"}),
        ("remind", {"after": "4 days"}),
        ("legal", {"after": "12 days"}),
    ]
    desk = late_desk(steps)
    seen, contacts, cost = [], {}, 0
    for late in range(1, 20):
        totals = desk.live_to(DUE + late)
        assert desk.noticed.tolist() == [0]  # the evening looks at all that is late
        seen += [(late, action) for _, action in desk.evening()]
        contacts[late] = totals["contacts"]
        cost += totals["ladder_cost"]
        if late == 14:
            desk.book.records["pressure"][0] = SUED  # nobody did it on the evenings before; now somebody has
    calls, suits = [(late, "call") for late in (3, 5, 7)], [(late, "legal") for late in (12, 13, 14)]
    assert seen == calls + suits  # what is done once waits until it is done
    assert [late for late, n in contacts.items() if n] == [4]  # calls are counted in the evening
    assert cost == 0


def test_a_loan_left_in_peace_is_not_reminded_swept_or_called() -> None:
    steps: Steps = [
        ("remind", {"after": "1 day", "every": "1 day"}),
        ("sweep", {"after": "1 day", "share": 1.0}),
        ("call", {"after": "1 day", "every": "1 day"}),
    ]
    desk = late_desk(steps)
    desk.live_to(DUE)
    desk.book.records["pressure"][0] = HELD
    desk.give(100)
    for late in range(1, 6):
        assert desk.live_to(DUE + late)["contacts"] == 0
        assert desk.evening() == []
    assert (desk.m.wallet[0], desk.loan()["dpd"]) == (100 * YUAN, 5)
    desk.book.records["pressure"][0] = 0
    assert desk.live_to(DUE + 6)["contacts"] == 1
    assert (desk.m.wallet[0], desk.evening()) == (0.0, [(0, "call")])


# ------------------------------------------------------------------------------------------------------ late fees


@pytest.mark.parametrize("grace", [0, 3])
def test_a_late_fee_is_owed_once_when_grace_has_passed_and_bears_nothing(grace: int) -> None:
    desk = Desk(grace=grace, late_fee=2_000, hardship=1.0)
    desk.lend(1_000, 0, days=DUE)
    owed = {late: desk.live_to(DUE + late) and desk.owed() - 100_000 for late in range(30)}
    assert owed == {late: 2_000 if late > grace else 0 for late in range(30)}
    desk.give(15)
    totals = desk.live_to(DUE + 30)
    assert (totals["fee_paid"], totals["principal_paid"], desk.owed()) == (1_500, 0, 100_500)
    desk.give(1_005)
    totals = desk.live_to(DUE + 31)
    assert (totals["fee_paid"], totals["principal_paid"]) == (500, 100_000)
    assert (desk.loan()["fee_paid"], desk.loan()["status"]) == (2_000, PAID_OFF)


def test_who_pays_within_grace_owes_no_late_fee() -> None:
    desk = Desk(grace=3, late_fee=2_000)
    desk.lend(1_000, 0, days=DUE)
    desk.live_to(DUE + 2)
    desk.give(1_000)
    desk.live_to(DUE + 3)
    assert (desk.loan()["status"], desk.loan()["fee_paid"], desk.m.wallet[0]) == (PAID_OFF, 0, 0.0)


def test_interest_that_is_paid_last_and_missed_costs_its_late_fee_and_the_penalty_of_grace() -> None:
    """With principal first 1,000 yuan are paid a day late, and 6 yuan of interest stay; grace of two days passes."""
    desk = Desk(allocation=Desk.PRINCIPAL_FIRST, grace=2, late_fee=2_000, hardship=1.0)
    desk.lend(1_000, 219_000, days=DUE)
    desk.live_to(DUE)
    desk.give(1_000)
    desk.live_to(DUE + 1)
    assert (desk.loan()["balance"], desk.loan()["status"], desk.owed()) == (0, ACTIVE, 600)
    owed = {late: desk.live_to(DUE + late) and desk.owed() for late in (2, 3, 9)}
    assert owed == {2: 600, 3: 600 + 90 + 2_000, 9: 600 + 90 + 2_000}  # one night of 1.5 x 60 fen
    desk.give(30)
    totals = desk.live_to(DUE + 10)
    assert (totals["interest_paid"], totals["penalty_paid"], totals["fee_paid"]) == (600, 90, 2_000)
    assert desk.loan()["status"] == PAID_OFF


def test_a_written_off_loan_owes_no_fee() -> None:
    desk = Desk(late_fee=2_000, write_off_after=20)
    desk.lend(1_000, 0, days=DUE)
    desk.live_to(DUE + 20)
    assert (desk.loan()["fee"], desk.loan()["written_off"]) == (0, 100_000)
