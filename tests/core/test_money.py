"""Money: what may be written, what it means to the fen, and that nothing is lost in rounding."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.money import (
    MAX_FEN,
    MAX_PPM_YEAR,
    PPM,
    Basis,
    Rate,
    Term,
    allocate,
    bill,
    format_rate,
    format_yuan,
    interest_units,
    parse_days,
    parse_money,
    parse_rate,
    parse_term,
    round_half_up,
)

BASES: list[Basis] = [365, 360, "monthly"]
rates = st.builds(Rate, st.integers(0, MAX_PPM_YEAR), st.sampled_from(BASES))


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1.6 bn yuan", 160_000_000_000),
        ("50,000 yuan", 5_000_000),
        ("1,000,000 yuan", 100_000_000),
        ("7.5 m yuan", 750_000_000),
        ("50 k yuan", 5_000_000),
        ("120 yuan", 12_000),
        ("12.34 yuan", 1_234),
        ("0.29 yuan", 29),  # in floats 0.29 x 100 is 28.999...
        ("  0 yuan ", 0),
        ("1234 fen", 1_234),
        ("1.0 fen", 1),
        ("1.6亿元", 16_000_000_000),
        ("160 万 yuan", 160_000_000),
        ("7.5M Yuan", 750_000_000),
        ("92,233,720,368,547,758.07 yuan", MAX_FEN),
    ],
)
def test_money_is_read_to_the_fen(text: str, fen: int) -> None:
    assert parse_money(text) == fen


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("0.05 %/day", Rate(182_500, 365)),
        ("0.06 %/day", Rate(219_000, 365)),
        ("0.05 %/day (360)", Rate(180_000, 360)),
        ("0.06 %/day (360)", Rate(216_000, 360)),
        ("0.05%/day (365)", Rate(182_500, 365)),
        ("0.0545 %/day", Rate(198_925, 365)),
        ("0.5 %/month", Rate(60_000, "monthly")),
        ("1.5 %/month (360)", Rate(180_000, 360)),
        ("18 %/year", Rate(180_000, 365)),
        ("7 %/year", Rate(70_000, 365)),
        ("17.47 % / Year", Rate(174_700, 365)),
        ("18 %/year (360)", Rate(180_000, 360)),
        ("18 %/year ( monthly )", Rate(180_000, "monthly")),
        ("0 %/year", Rate(0, 365)),
        ("10,000 %/year", Rate(100_000_000, 365)),
    ],
)
def test_rates_become_ppm_a_year(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("30 days", Term(30, "days")),
        ("1 day", Term(1, "days")),
        ("0 days", Term(0, "days")),
        ("6 months", Term(6, "months")),
        ("1 year", Term(12, "months")),
        ("2 years", Term(24, "months")),
    ],
)
def test_terms_are_read(text: str, term: Term) -> None:
    assert parse_term(text) == term


MONEY, RATE, TERM, DAYS = "'50,000 yuan'", r"'0\.05 %/day'", "'6 months'", "such as '30 days'$"


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (parse_money, "50000", f"'50000' is a bare number; .*{MONEY}"),
        (parse_money, 50000, f"^50000 is a bare number; .*{MONEY}"),
        (parse_money, 1.6e9, "bare number"),
        (parse_money, "-5", "bare number"),
        (parse_money, "1e9", "bare number"),
        (parse_money, "1.6 bn", f"'1.6 bn' is not an amount of money; .*{MONEY}"),
        (parse_money, "1e9 yuan", "is not an amount"),
        (parse_money, "5,00 yuan", "is not an amount"),
        (parse_money, "1,0000 yuan", "is not an amount"),
        (parse_money, "٣ yuan", "is not an amount"),
        (parse_money, "50 dollars", "is not an amount"),
        (parse_money, "nan yuan", "is not an amount"),
        (parse_money, "5 k fen", "is not an amount"),
        (parse_money, "5 yuan\n5 yuan", "is not an amount"),
        (parse_money, "", "is not an amount"),
        (parse_money, None, "None is not an amount"),
        (parse_money, True, "True is not an amount"),
        (parse_money, "-5 yuan", f"is negative; .*{MONEY}"),
        (parse_money, "0.001 yuan", "no whole number of fen"),
        (parse_money, "0.5 fen", "no whole number of fen"),
        (parse_money, "92,233,720,368,547,758.08 yuan", "too large; .*at most 92,233,720,368,547,758.07 yuan"),
        (parse_money, "9" * 5_000 + " yuan", r"9\.\.\. is not an amount"),
        (parse_rate, "0.05", f"bare number; .*{RATE}"),
        (parse_rate, 0.05, f"^0.05 is a bare number; .*{RATE}"),
        (parse_rate, "18 %", f"'18 %' is not a rate; .*{RATE}"),
        (parse_rate, "18/year", "is not a rate"),
        (parse_rate, "0.05 %/week", "is not a rate"),
        (parse_rate, "0.05 %/day (364)", "is not a rate"),
        (parse_rate, "0.05 %/day (monthly)", "cannot count by months"),
        (parse_rate, "-1 %/year", "is negative"),
        (parse_rate, "0.00001 %/day", "is 36.5 ppm a year, no whole number"),
        (parse_rate, "18.00001 %/year", "is 180000.1 ppm a year, no whole number"),
        (parse_rate, "100 %/day", "highest rate, 10,000 % a year"),
        (parse_term, "30", f"bare number; .*{TERM}"),
        (parse_term, 30, f"bare number; .*{TERM}"),
        (parse_term, "1.5 months", f"no whole number; .*{TERM}"),
        (parse_term, "2 weeks", f"is not a term; .*{TERM}"),
        (parse_term, "-3 days", "is negative"),
        (parse_term, "101 years", "too long"),
        (parse_term, "36501 days", "too long"),
        (parse_days, 30, f"bare number; .*{DAYS}"),
        (parse_days, "a while", f"is not a number of days; .*{DAYS}"),
        (parse_days, "6 months", f"no fixed number of days; .*{DAYS}"),
        (parse_days, "1 year", "no fixed number of days"),
    ],
)
def test_what_could_mean_two_things_is_refused(parse: Callable[[object], object], text: object, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        parse(text)
    assert len(str(refused.value)) < 400


def test_days_are_read() -> None:
    assert [parse_days(text) for text in ("0 days", "1 day", "180 days", "1,000 days")] == [0, 1, 180, 1_000]


def test_due_dates() -> None:
    assert Term(30, "days").due(date(2012, 1, 31)) == date(2012, 3, 1)
    assert Term(1, "months").due(date(2012, 1, 31)) == date(2012, 2, 29)
    assert parse_term("1 year").due(date(2012, 2, 29)) == date(2013, 2, 28)
    assert parse_term("100 years").due(date(2040, 12, 31)) == date(2140, 12, 31)


@pytest.mark.parametrize(
    ("rate", "echo", "written"),
    [
        (Rate(182_500), "0.05 %/day (18.25 %/year, basis 365)", "0.05 %/day"),
        (Rate(180_000, 360), "0.05 %/day (18 %/year, basis 360)", "0.05 %/day (360)"),
        (Rate(180_000), "18 %/year (about 0.0493 %/day, basis 365)", "18 %/year"),
        (Rate(70_000, 360), "7 %/year (about 0.0194 %/day, basis 360)", "7 %/year (360)"),
        (Rate(60_000, "monthly"), "0.5 %/month (6 %/year, basis monthly)", "0.5 %/month"),
        (Rate(70_000, "monthly"), "7 %/year (about 0.5833 %/month, basis monthly)", "7 %/year (monthly)"),
        (Rate(100_000_000), "10000 %/year (about 27.3973 %/day, basis 365)", "10000 %/year"),
    ],
)
def test_rates_are_echoed_with_their_year(rate: Rate, echo: str, written: str) -> None:
    assert str(rate) == echo
    assert format_rate(rate) == written


@given(rates)
def test_a_written_rate_is_read_back(rate: Rate) -> None:
    assert parse_rate(format_rate(rate)) == rate


@given(st.integers(0, 36_500), st.sampled_from(["days", "months"]))
def test_a_written_term_is_read_back(count: int, unit: str) -> None:
    term = Term(count if unit == "days" else count % 1_201, "days" if unit == "days" else "months")
    assert parse_term(str(term)) == term


def test_a_rate_knows_its_periods() -> None:
    assert [Rate(1, basis).days_in_year for basis in BASES] == [365, 360, 360]
    assert [Rate(1, basis).periods_in_year for basis in BASES] == [365, 360, 12]
    assert Rate(182_500).per_day == Fraction(5, 10_000)
    # facts C.1: a month's rate costs a thirtieth of it a day
    assert parse_rate("1.5 %/month").per_day == Fraction(15, 1_000) / 30


def test_values_are_frozen_and_checked() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Rate(1).ppm_year = 2  # type: ignore[misc]
    for ppm_year in (-1, MAX_PPM_YEAR + 1, 0.05, True):
        with pytest.raises(ValueError, match="a rate of"):
            Rate(ppm_year)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="365, 360 or 'monthly'"):
        Rate(1, 364)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a term of"):
        Term(-1, "days")
    with pytest.raises(ValueError, match="a term of"):
        Term(1, "weeks")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(5, 2, 3), (-5, 2, -2), (7, 3, 2), (-7, 3, -2), (1, 2, 1), (-1, 2, 0), (10**30 + 1, 2, 5 * 10**29 + 1)],
)
def test_halves_round_up(numerator: int, denominator: int, rounded: int) -> None:
    assert round_half_up(numerator, denominator) == rounded


def test_rounding_needs_a_positive_denominator() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        round_half_up(1, 0)


@pytest.mark.parametrize(
    ("principal", "rate", "periods", "yuan"),
    [
        ("50,000 yuan", "0.06 %/day", 3, "90.00 yuan"),  # facts C.1, the interest that three days' refund gives back
        ("50,000 yuan", "0.06 %/day (360)", 3, "90.00 yuan"),
        ("10,000 yuan", "0.05 %/day", 20, "100.00 yuan"),
        ("10,000 yuan", "0.075 %/day", 20, "150.00 yuan"),  # facts C.3, at 1.5 times 0.05 %/day
        ("100,000 yuan", "18 %/year (monthly)", 1, "1,500.00 yuan"),  # facts C.2, first interest of the annuity
        ("100,000 yuan", "1.5 %/month", 1, "1,500.00 yuan"),
        ("7,000 yuan", "18 %/year", 7, "24.16 yuan"),  # 24.1644 by hand
        ("10,000 yuan", "0.05 %/day", 0, "0.00 yuan"),  # facts C.1, repaid on the day it was drawn
    ],
)
def test_interest_of_the_facts(principal: str, rate: str, periods: int, yuan: str) -> None:
    price = parse_rate(rate)
    fen, remainder = bill(interest_units(parse_money(principal), price.ppm_year, periods), price.basis)
    assert format_yuan(fen) == yuan
    if rate != "18 %/year":
        assert remainder == 0


def test_the_penalty_of_the_facts() -> None:
    # facts C.3: 10,000 x 0.0005 x 1.5 x 20 = 150.00, instead of normal interest
    price = parse_rate("0.05 %/day")
    assert bill(interest_units(1_000_000, price.ppm_year, 20) * 3 // 2, price.basis) == (15_000, 0)


@pytest.mark.parametrize(("basis", "periods"), [(365, 365), (360, 360), ("monthly", 12)])
def test_half_a_fen_is_billed_and_owed_back(basis: Basis, periods: int) -> None:
    half = periods * PPM // 2
    assert bill(half, basis) == (1, -half)
    assert bill(half - 1, basis) == (0, half - 1)
    assert bill(-half, basis) == (0, -half)


def test_bill_refuses_another_basis() -> None:
    with pytest.raises(ValueError, match="a basis of 366"):
        bill(1, 366)  # type: ignore[arg-type]


@given(st.integers(0, 10**24), st.sampled_from(BASES))
def test_bill_loses_nothing(units: int, basis: Basis) -> None:
    fen, remainder = bill(units, basis)
    one_fen = Rate(0, basis).periods_in_year * PPM
    assert fen * one_fen + remainder == units
    assert -one_fen <= 2 * remainder < one_fen
    assert bill(remainder, basis) == (0, remainder)


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, MAX_PPM_YEAR), st.booleans()), max_size=60),
    st.sampled_from(BASES),
)
def test_when_interest_is_billed_does_not_matter(passing: list[tuple[int, int, bool]], basis: Basis) -> None:
    billed = accrued = total = 0
    for principal, ppm_year, is_billed in passing:
        earned = interest_units(principal, ppm_year)
        accrued, total = accrued + earned, total + earned
        if is_billed:
            fen, accrued = bill(accrued, basis)
            assert fen >= 0
            billed += fen
    fen, accrued = bill(accrued, basis)
    assert (billed + fen, accrued) == bill(total, basis)


BUCKETS = ["fee", "penalty", "interest", "principal"]
amounts = st.integers(0, 10**12)


@given(amounts, st.dictionaries(st.sampled_from(BUCKETS), amounts), st.permutations(BUCKETS))
def test_allocation_adds_up(payment: int, owed: dict[str, int], order: list[str]) -> None:
    split = allocate(payment, owed, order)
    assert list(split) == [*order, "excess"]
    assert sum(split.values()) == payment
    assert all(0 <= split[bucket] <= owed.get(bucket, 0) for bucket in order)
    assert split["excess"] == max(0, payment - sum(owed.values()))
    paid_short = [bucket for bucket in order if split[bucket] < owed.get(bucket, 0)]
    if paid_short:  # nobody behind the first bucket that was not filled gets anything
        assert all(split[bucket] == 0 for bucket in order[order.index(paid_short[0]) + 1 :])


def test_allocation_follows_the_order() -> None:
    owed = {"penalty": 150, "interest": 100, "principal": 1_000}
    short = allocate(300, owed, ["penalty", "interest", "principal"])
    assert short == {"penalty": 150, "interest": 100, "principal": 50, "excess": 0}
    principal_first = allocate(1_050, owed, ["principal", "interest", "penalty"])
    assert principal_first == {"principal": 1_000, "interest": 50, "penalty": 0, "excess": 0}
    assert allocate(7, {}, []) == {"excess": 7}


@pytest.mark.parametrize(
    ("payment", "owed", "order", "said"),
    [
        (-1, {}, [], "payment of -1 fen"),
        (1, {"interest": -1}, ["interest"], "-1 fen owed as interest"),
        (1, {"interest": 1}, ["intrest"], "nothing would ever be paid to \\['interest'\\]"),
        (1, {"interest": 0}, [], "nothing would ever be paid"),
        (1, {"interest": 1}, ["interest", "interest"], "each bucket once"),
        (1, {"excess": 1}, ["excess"], "none 'excess'"),
    ],
)
def test_allocation_refuses_nonsense(payment: int, owed: dict[str, int], order: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        allocate(payment, owed, order)


@pytest.mark.parametrize(
    ("fen", "full", "short"),
    [
        (123_456, "1,234.56 yuan", "1,234.56 yuan"),
        (5, "0.05 yuan", "0.05 yuan"),
        (0, "0.00 yuan", "0.00 yuan"),
        (-5, "-0.05 yuan", "-0.05 yuan"),
        (99_999_999, "999,999.99 yuan", "999,999.99 yuan"),
        (100_000_000, "1,000,000.00 yuan", "1.00 m yuan"),
        (750_500_000, "7,505,000.00 yuan", "7.51 m yuan"),
        (99_999_499_999, "999,994,999.99 yuan", "999.99 m yuan"),
        (99_999_500_000, "999,995,000.00 yuan", "1.00 bn yuan"),
        (160_000_000_000, "1,600,000,000.00 yuan", "1.60 bn yuan"),
        (-160_000_000_000, "-1,600,000,000.00 yuan", "-1.60 bn yuan"),
        (123_456_000_000_000, "1,234,560,000,000.00 yuan", "1,234.56 bn yuan"),
    ],
)
def test_amounts_for_people(fen: int, full: str, short: str) -> None:
    assert format_yuan(fen) == full
    assert format_yuan(fen, short=True) == short


@given(st.integers(0, MAX_FEN))
def test_a_written_amount_is_read_back(fen: int) -> None:
    assert parse_money(format_yuan(fen)) == fen


@given(st.one_of(st.integers(0, 10**12), st.integers(0, 10**18)))
def test_the_short_form_is_near(fen: int) -> None:
    # hundredths of a unit that shows at least 1.00: half a hundredth is at most half a percent
    assert 200 * abs(parse_money(format_yuan(fen, short=True)) - fen) <= fen


def test_money_is_light_to_import() -> None:
    """Reading a scenario takes a second at most, so the words for money may not pull in the heavy libraries."""
    heavy = ["numpy", "pandas", "numba", "mesa", "matplotlib", "pyarrow", "scipy"]
    code = "import json, sys, sim.core.money; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
    assert "sim.core.money" in loaded
    assert [name for name in heavy if name in loaded] == []
