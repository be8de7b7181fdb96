"""Quantities: what a scenario may write, what it means, how it is bounded, and that it is written back the same."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.core.money import MAX_PPM_YEAR, Rate, Term
from sim.core.quantities import (
    DateQ,
    DayCount,
    Days,
    Id,
    Money,
    Number,
    OfNetCapital,
    Parameters,
    RateQ,
    Share,
    Switch,
    TermQ,
    Text,
    Whole,
    parameter,
)


def _of(default: Any, low: Any = None, high: Any = None) -> Any:
    return parameter(default, unit="1", low=low, high=high, source="assumption", doc="A sample.")


class Sample(Parameters):
    money: Money = _of("1.6 bn yuan", "1 yuan", "2 bn yuan")
    rate: RateQ = _of("0.05 %/day", "0 %/year", "36 %/year")
    wait: Days = _of("30 days", "1 day", "365 days")
    term: TermQ = _of("6 months", "1 day", "12 months")
    cap: OfNetCapital = _of("0.5 of net capital", 0.0, 4.0)
    start: DateQ = _of("2012-01-01", "2000-01-01", "2040-12-31")
    count: DayCount = _of(182, 1, 7320)
    share: Share = _of(0.9, high=0.95)
    number: Number = _of(1.5, low=-1.0)
    whole: Whole = _of(20_000, 1, 100_000_000)
    switch: Switch = _of(True)
    text: Text = _of("points")
    name: Id = _of("ali")
    maybe: Money | None = _of(None, low="5 yuan")


def refusal(**values: Any) -> dict[str, str]:
    """The one refusal that ``values`` cause: problem and allowed."""
    with pytest.raises(ValidationError) as caught:
        Sample(**values)
    (error,) = caught.value.errors()
    assert error["type"] == "quantity"
    return error["ctx"]


def test_defaults_in_file_syntax_become_exact_values():
    sample = Sample()
    assert sample.money == 160_000_000_000
    assert sample.rate == Rate(182_500, 365)
    assert (sample.wait, sample.term) == (30, Term(6, "months"))
    assert (sample.cap, sample.start, sample.maybe) == (0.5, date(2012, 1, 1), None)


def test_what_is_dumped_is_in_file_syntax_and_reads_back_equal():
    sample = Sample(maybe="12.50 yuan", rate="0.05 %/day (360)", term="1 month", wait="1 day")
    written = sample.model_dump(mode="json")
    assert written["money"] == "1600000000 yuan"
    assert written["maybe"] == "12.50 yuan"
    assert written["rate"] == "0.05 %/day (360)"
    assert (written["wait"], written["term"], written["cap"]) == ("1 day", "1 month", "0.5 of net capital")
    assert (written["start"], written["count"]) == ("2012-01-01", 182)
    assert Sample.model_validate(written) == sample


@given(fen=st.integers(500, 200_000_000_000), days=st.integers(1, 365), multiple=st.integers(0, 4_000_000))
def test_amounts_days_and_multiples_survive_the_file(fen: int, days: int, multiple: int):
    text = f"{fen // 100}.{fen % 100:02d} yuan"
    sample = Sample(money=text, maybe=text, wait=f"{days} days", cap=f"{multiple / 1e6:.6f} of net capital")
    assert (sample.money, sample.maybe, sample.wait) == (fen, fen, days)
    assert Sample.model_validate(sample.model_dump(mode="json")) == sample


class AnyRate(Parameters):
    rate: RateQ


@given(ppm=st.integers(0, MAX_PPM_YEAR), basis=st.sampled_from([365, 360, "monthly"]))
def test_rates_survive_the_file(ppm: int, basis: Any):
    rate = AnyRate(rate=Rate(ppm, basis))
    assert AnyRate.model_validate(rate.model_dump(mode="json")) == rate


@pytest.mark.parametrize("key", ["money", "rate", "wait", "term", "cap"])
def test_a_bare_number_is_refused_with_the_forms_that_carry_a_unit(key: str):
    said = refusal(**{key: 0.05})
    assert said["problem"] == "0.05 is a bare number"
    assert "such as '" in said["allowed"]


@pytest.mark.parametrize(
    ("key", "low", "high", "inside"),
    [
        ("money", "0.99 yuan", "2.1 bn yuan", ["1 yuan", "2 bn yuan"]),
        ("rate", "-1 %/year", "36.0001 %/year", ["0 %/year", "36 %/year"]),
        ("wait", "0 days", "366 days", ["1 day", "365 days"]),
        ("term", "0 days", "13 months", ["1 day", "12 months", "360 days"]),
        ("cap", "-1 of net capital", "4.01 of net capital", ["0 of net capital", "4 of net capital"]),
        ("start", "1999-12-31", "2041-01-01", ["2000-01-01", "2040-12-31"]),
        ("count", 0, "7321 days", [1, "7320 days"]),
        ("whole", 0, 1_000_000_000, [1, 1e8]),
        ("share", -0.01, 0.96, [0, 0.95]),
    ],
)
def test_bounds_are_checked_at_both_ends_and_both_ends_are_allowed(key: str, low: Any, high: Any, inside: list[Any]):
    for value in (low, high):
        refusal(**{key: value})
    for value in inside:
        Sample(**{key: value})


def test_a_value_out_of_bounds_is_told_the_bounds():
    assert refusal(whole=10**9) == {"problem": "out of bounds", "allowed": "allowed: 1 to 100,000,000"}
    assert refusal(rate="37 %/year")["allowed"] == "allowed: 0 %/year to 36 %/year"
    assert refusal(share=0.96)["allowed"] == "allowed: at most 0.95"
    assert refusal(maybe="4 yuan")["allowed"] == "allowed: at least 5 yuan"


def test_a_default_out_of_its_own_bounds_is_refused():
    class Wrong(Parameters):
        wait: Days = _of("3 days", low="5 days")

    with pytest.raises(ValidationError):
        Wrong()


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("number", "1,000", "is not a number"),
        ("number", float("nan"), "not a finite number"),
        ("number", float("inf"), "not a finite number"),
        ("number", 10**400, "not a finite number"),
        ("number", True, "true where a number is needed"),
        ("whole", 2.5, "not a whole number"),
        ("whole", "2", "where a number is needed"),
        ("share", "30 %", "where a number is needed"),
        ("count", -1, "negative"),
        ("wait", "6 months", "no fixed number of days"),
        ("money", True, "true where a quantity"),
        ("money", None, "null (nothing) where a quantity"),
        ("money", [], "a list where a quantity"),
        ("money", "-1 yuan", "negative"),
        ("start", "2012-02-30", "not a day of the calendar"),
        ("start", 20120101, "not a date"),
        ("switch", "yes", "where a yes or no is needed"),
        ("switch", 1, "where a yes or no is needed"),
        ("text", 3, "where text is needed"),
        ("name", "a.b", "is not a name"),
        ("name", "9a", "is not a name"),
    ],
)
def test_a_wrong_type_or_unit_says_what_is_wrong(key: str, value: Any, problem: str):
    assert problem in refusal(**{key: value})["problem"]


def test_a_whole_number_may_be_written_with_an_exponent():
    assert Sample(whole=1e6).whole == 1_000_000


def test_groups_are_frozen_and_closed():
    with pytest.raises(ValidationError, match="frozen"):
        Sample().share = 0.5
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Sample(shar=0.5)


def test_every_leaf_of_the_schema_has_unit_source_bounds_and_default():
    leaf = Sample.model_json_schema()["properties"]["rate"]
    assert leaf["default"] == "0.05 %/day"
    assert (leaf["unit"], leaf["source"]) == ("1", "assumption")
    assert (leaf["low"], leaf["high"]) == ("0 %/year", "36 %/year")
    assert leaf["type"] == "string"
