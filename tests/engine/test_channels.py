"""Channels: who is reached, who registers and sees the entry, what it costs, and what each channel brought."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from small import YUAN, lived, scenario

import sim
from sim.core.channels import NEVER, come_by
from sim.core.merchants import OPEN
from sim.results.channels import INVITED, channel_table
from sim.results.run import Run

IDS = np.arange(1, 40_001)
SOME: dict[str, Any] = {
    "merchants.number": 2000,
    "merchants.borrowing.habit_mean": 0.2,
    "calendar": {"start": "2012-03-01", "days": 60},
    "lenders.ali.eligibility": {
        "invited": 0.2,
        "min_tenure": "0 days",
        "min_monthly_sales": "0 yuan",
        "channels": {
            "fair": {"reach": 0.5, "registers": 0.6, "cost": "2 yuan", "over": "20 days"},
            "advert": {"reach": 0.8, "registers": 0.1, "cost": "0.30 yuan", "over": "100 days"},
        },
    },
}


@cache
def run() -> Run:
    return sim.simulate(scenario(SOME), seed=4, threads=1)


def test_so_many_are_reached_and_register_evenly_over_its_days() -> None:
    after, registers = come_by(3, "ali", "fair", IDS, 0.5, 0.4, 20)
    reached = after != NEVER
    assert abs(reached.mean() - 0.5) < 0.01
    assert abs(registers[reached].mean() - 0.4) < 0.015
    assert not registers[~reached].any()
    for who in (registers, reached & ~registers):
        days = np.bincount(after[who], minlength=20)
        assert days.size == 20
        assert days.min() > 0.8 * days.mean()


def test_more_reach_adds_and_never_swaps_and_channels_do_not_go_together() -> None:
    few, many = (come_by(3, "ali", "fair", IDS, reach, 0.4, 20) for reach in (0.2, 0.5))
    assert (many.after[few.after != NEVER] != NEVER).all()
    assert many.registers[few.registers].all()
    other, rival = (come_by(3, lender, channel, IDS, 0.5, 0.4, 20).after != NEVER
                    for lender, channel in (("ali", "advert"), ("rival", "fair")))  # fmt: skip
    for one in (other, rival):
        assert abs(one[many.after != NEVER].mean() - 0.5) < 0.015


def test_who_has_registered_sees_the_entry() -> None:
    market = lived(scenario(SOME), 57, seed=4)  # the last review is of day 56
    m = market.merchants
    first, day = market.calendar[0].number, market.calendar[56].number
    since = np.maximum(m.entry_day.astype(int), first)
    found = [come_by(4, "ali", name, m.merchant_id, one.reach, one.registers, one.over)
             for name, one in market.lenders[0].spec.eligibility.channels.items()]  # fmt: skip
    registered = np.any([one.registers & (since + one.after <= day) for one in found], axis=0)
    visible, is_open = m.lender["is_visible"][0], (m.status == OPEN) & (m.opened_day <= day)
    assert visible[registered & is_open].mean() > 0.99  # but for who reopened since
    assert abs(visible[~registered & is_open].mean() - 0.2) < 0.04  # the invited


def test_a_view_is_paid_for_once_on_its_day() -> None:
    told = run()
    table = channel_table(told, "ali")
    assert told.daily["channel_cost_fen"].sum() == table["cost_fen"].sum() > 0
    assert table.loc["fair", "cost_fen"] == table.loc["fair", "reached"] * 2 * YUAN
    days = told.daily["channel_cost_fen"].to_numpy()
    assert days[:20].sum() > 5 * days[20:40].sum()  # the fair is over
    free = {"lenders.ali.eligibility.channels.fair.cost": "0 yuan",
            "lenders.ali.eligibility.channels.advert.cost": "0 yuan"}  # fmt: skip
    same = sim.simulate(scenario(SOME | free), seed=4, threads=1)
    assert ((told.daily["operating_cost_fen"] - same.daily["operating_cost_fen"]) == days).all()


def test_every_customer_came_by_one_way() -> None:
    told = run()
    table = channel_table(told, "ali")
    assert list(table.index) == [INVITED, "fair", "advert"]
    assert table["customers"].sum() == told.loans["merchant_id"].nunique()
    assert table["loans"].sum() == len(told.loans)
    assert table["disbursed_fen"].sum() == told.loans["principal_fen"].sum()
    assert (table["customers"] > 0).all()
    assert (table.loc["fair":, "registered"] >= table.loc["fair":, "customers"]).all()


def test_without_channels_the_invited_are_who_they_were() -> None:
    plain = {"lenders.ali.eligibility": {"invited": 0.2, "min_tenure": "0 days"}}
    told = sim.simulate(scenario(SOME | plain), seed=4, threads=1)
    assert not told.daily["channel_cost_fen"].any()
    assert channel_table(told, "ali").loc[INVITED, "customers"] == told.loans["merchant_id"].nunique()
