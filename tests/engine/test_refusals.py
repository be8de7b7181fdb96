"""Refusals: every mistake one line, all at once, each at its place, in plain English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.engine.scenario import load
from sim.errors import ScenarioError

DEEP = "{a: " * 2000 + "1" + "}" * 2000
DEEP_BLOCK = "\n" + "".join("    " + "  " * n + "a:\n" for n in range(2000))

LENDER = """\
    equity: 1.6 bn yuan
    products:
      order_loan: {rate: 0.05 %/day}
"""

# Ten mistakes: what the line is, and where and how it is refused.
TEN = {
    "misspelt key": ("merchants: {numbr: 5}", 'merchants.numbr: unknown key "numbr"', "did you mean number?"),
    "rate without unit": (
        "lenders: {ali: {equity: 1 m yuan, products: {order_loan: {rate: 0.05}}}}",
        "lenders.ali.products.order_loan.rate: 0.05 is a bare number",
        "0.05 %/day",
    ),
    "NaN": ("merchants: {trade: {margin: .nan}}", "merchants.trade.margin: .nan is not a finite number", "finite"),
    "negative size": (
        "merchants: {size: {median_daily_sales: -5 yuan}}",
        "merchants.size.median_daily_sales: '-5 yuan' is negative",
        "such as",
    ),
    "end before start": (
        "calendar: {start: 2012-06-01, end: 2012-01-01}",
        "calendar.end: 2012-01-01 is before the start, 2012-06-01",
        "allowed",
    ),
    "unknown policy": (
        "lenders: {ali: {equity: 1 m yuan, scoring: {policy: pionts}}}",
        "lenders.ali.scoring.policy: no scoring policy 'pionts'",
        "did you mean points?",
    ),
    "duplicate key": ("scale: 1\nscale: 0.5", "scale: the key is there twice, first on line 1", "once"),
    "alias": ("about: &a {title: x}\nevents: *a", "events: an alias (*a) is not allowed", "write the value out"),
    "deep nesting": (
        f"merchants: {{cash: {DEEP}}}",
        "merchants.cash.a: nested more than 40 levels deep",
        "not checked",
    ),
    "too many": (
        "merchants: {number: 1000000000}",
        "merchants.number: 1000000000 is out of bounds",
        "allowed: 1 to 100,000,000",
    ),
}

ALL_TEN = """\
about: &who {{title: Ten mistakes}}
calendar:
  start: 2012-06-01
  end: 2012-01-01
merchants:
  number: 1000000000
  demnd: {{volatility: 0.3}}
  size: {{median_daily_sales: -150 yuan}}
  trade: {{margin: .nan, margin_spread: 0.1}}
  trade: {{margin: 0.5}}
  exits: {deep}
events: *who
lenders:
  ali:
    equity: 1.6 bn yuan
    products:
      order_loan: {{rate: 0.05}}
    scoring: {{policy: pionts}}
"""


def refused(tmp_path: Path, text: str, *overrides: str, **other: str) -> list[str]:
    """The lines with which a scenario is refused; ``other`` are files beside it."""
    for name, content in other.items():
        (tmp_path / f"{name}.yaml").write_text(content)
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load(path, overrides)
    lines = str(caught.value).split("\n")
    for line in lines:
        assert re.match(r"[^:]+:\d+:\d+: ", line), line
        assert not re.search(r"Input should|type=|pydantic|Traceback", line), line
    return [line.replace(f"{tmp_path}/", "") for line in lines]


@pytest.mark.parametrize("name", TEN)
def test_each_of_ten_mistakes_alone_is_one_clear_line(tmp_path: Path, name: str):
    text, said, allowed = TEN[name]
    (line,) = refused(tmp_path, text)
    assert said in line
    assert allowed in line
    assert line.startswith("s.yaml:2:" if "\n" in text else "s.yaml:1:")


@pytest.mark.parametrize(
    "deep", [DEEP, "[" * 2000 + "]" * 2000, "[" * 2000, DEEP_BLOCK], ids=["braces", "brackets", "never closed", "block"]
)
def test_ten_mistakes_at_once_are_ten_lines(tmp_path: Path, deep: str):
    lines = refused(tmp_path, ALL_TEN.format(deep=deep))
    fields = [line.split(": ")[1] for line in lines]
    assert [field for field in fields if not field.startswith("merchants.exits")] == [
        "calendar.end",
        "merchants.number",
        "merchants.demnd",
        "merchants.size.median_daily_sales",
        "merchants.trade.margin",
        "merchants.trade",
        "events",
        "lenders.ali.products.order_loan.rate",
        "lenders.ali.scoring.policy",
    ]
    assert len(lines) == 10
    assert int(lines[-1].split(":")[1]) == 18 + deep.count("\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("about: 3", "s.yaml:1:8: about: 3 where a group of keys is needed; write `key: value` pairs; keys: title,"),
        ("about: {title: 3}", "s.yaml:1:16: about.title: 3 where text is needed"),
        ("lenders: [a]", "s.yaml:1:10: lenders: a list where a group of keys is needed"),
        ("lenders: {ali: {}}", "s.yaml:1:11: lenders.ali.equity: is missing; needed: own money at the start"),
        ("lenders: {a.b: {equity: 1 yuan}}", 's.yaml:1:11: lenders.a.b: "a.b" is not a name'),
        ("merchants: {number: no}", 's.yaml:1:21: merchants.number: "no" where a number is needed'),
        ("merchants: {number: 1_000}", "write the digits without separators"),
        ("merchants: {trade: {order_value: 0.5 yuan}}", '"0.5 yuan" is out of bounds; allowed: 1 yuan to 100000 yuan'),
        ("scale: 0", "s.yaml:1:8: scale: 0 is out of bounds; allowed: 1e-06 to 1000.0"),
        ("scale: 1000\nmerchants: {number: 1000000}", "s.yaml:1:8: scale: 1,000,000 merchants times 1000 are"),
        ("calendar: {start: 1999-12-31}", "is out of bounds; allowed: 2000-01-01 to 2040-12-31"),
        ("calendar: {days: 5, end: 2011-07-05}", "s.yaml:1:21: calendar.end: days and end are both given"),
        ("calendar: {start: 2040-01-01, days: 400}", "calendar.days: the last day would be 2041-02-03"),
        (
            "calendar: {days: 9, run_off: 9}",
            "calendar.run_off: 9 days without new loans leave none of 9 days; allowed:",
        ),
        ("calendar: {days: 9, report_from: 2011-07-10}", "report_from: 2011-07-10 lies outside the calendar; allowed:"),
        ("calendar: {report_from: 2011-08-02, report_to: 2011-08-01}", "2011-08-01 is before report_from, 2011-08-02"),
        ("merchants: {preset: taobao_1850}", "merchants.preset: there is no preset"),
        (
            "merchants: {orders: {file: no.csv, value: 25 yuan}}",
            "no.csv is not there; a path is relative to the scenario",
        ),
        ("merchants: {orders: {file: s.yaml, value: 25}}", "merchants.orders.value: 25 is a bare number"),
        (
            "merchants: {orders: {file: s.yaml, value: {merchant: a}}}",
            "neither an amount nor a file; write 25 yuan, or",
        ),
        ("merchants: {orders: {file: s.yaml}}", "merchants.orders.value: is missing; needed: value of an order"),
        ("merchants: {categories: {}}", "merchants.categories: there is no category"),
        ("institutions: {platform: {taobao: 0.99}}", "taobao and tmall together are 1.05; allowed: at most 1"),
        ("events: {a: {date: 2012-01-01, kind: promotion}}", "events.a.lift: is missing; a promotion needs lift"),
        (
            "events: {a: {date: 2012-01-01, kind: outage, lift: 2}}",
            "events.a.lift: a outage has no lift; allowed: date",
        ),
        ("events: {a: {date: 2012-01-01, kind: promo}}", "did you mean promotion?"),
        ("events: {a: {kind: outage}}", "s.yaml:1:10: events.a.date: is missing; needed: first day"),
        (
            "events: {a: {date: 2012-01-01, kind: category_slump, size: 0.1, days: 9, category: clothin}}",
            'no category "clothin"; allowed: clothing, electronics, home, beauty, food, children, other; did you mean',
        ),
    ],
)
def test_a_mistake_is_said_once_and_plainly(tmp_path: Path, text: str, said: str):
    (line,) = refused(tmp_path, text)
    assert said in line


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("write_off_after: 360", "lenders.ali.write_off_after: 360 is a bare number"),
        ("review: {every: 1 month}", "lenders.ali.review.every: '1 month' is no fixed number of days"),
        ("bureau: fulll", '"fulll" is not known; allowed: none, negative, full; did you mean full?'),
        ("allocation: [interest, principal]", "does not name each bucket once"),
        ("allocation: [interest, principle]", '"principle" is not known; allowed: fee, penalty, interest, principal'),
        ("eligibility: {platforms: taobao}", "where a list is needed; write it in brackets, as in [a, b]"),
        ("eligibility: {invited: 30 %}", '"30 %" where a number is needed'),
        (
            "bank_debt: {cap: 0.5}",
            "0.5 is a bare number; write a multiple of net capital, such as '0.5 of net capital'",
        ),
        ("products: {annuity: {term: 90 days}}", "a term of 90 days; whole months, such as '3 months'"),
        (
            "products: {orderloan: {}}",
            "joint_liability; did you mean order_loan",
        ),
        (
            "products: {revolving_line: {minimum: 9 yuan, maximum: 8 yuan}}",
            "the smallest loan is larger than the largest",
        ),
        ("scoring: {cutof: 0.5}", "lenders.ali.scoring.cutof: is no parameter of this policy"),
        ("scoring: {cutof: 0.5}", "did you mean cutoff?"),
        ("scoring: {cutoff: 1.5}", "lenders.ali.scoring.cutoff: 1.5 is out of bounds; allowed: 0 to 1"),
        ("limit: {multiple: lots}", "lenders.ali.limit.multiple: 'lots'"),
        ("approval: {policy: desk}", "people decide, and the lender has no desk"),
        ("scoring: {policy: [a]}", "lenders.ali.scoring.policy: a list where text is needed"),
        ("changes: {a: {date: 2012-01-01, set: {scorin.cutoff: 1}}}", "did you mean scoring?"),
        ("changes: {a: {date: 2012-01-01, set: {scoring.cutoff: 2}}}", "set.scoring.cutoff: 2 is out of bounds"),
        ("changes: {a: {date: 2012-01-01, set: {limit.multipel: 2}}}", "is no parameter of this policy"),
        ("changes: {a: {date: 2012-01-01, set: {scoring: {policy: piont}}}}", "no scoring policy 'piont'"),
        ("changes: {a: {date: 2012-01-01, set: {changes: {}}}}", "a change cannot change the changes"),
        ("changes: {a: {set: {}}}", "lenders.ali.changes.a.date: is missing"),
    ],
)
def test_a_mistake_of_a_lender_is_said_once_and_plainly(tmp_path: Path, keys: str, said: str):
    (line,) = refused(tmp_path, f"lenders:\n  ali:\n    equity: 1 bn yuan\n    {keys}\n")
    assert said in line
    assert line.startswith("s.yaml:4:")


def test_a_comma_in_braces_is_explained(tmp_path: Path):
    text = "lenders: {ali: {equity: 1,000 yuan}}"
    assert any("a comma in braces separates keys" in line for line in refused(tmp_path, text))


def test_a_wrong_value_does_not_hide_its_neighbours(tmp_path: Path):
    text = "lenders:\n  ali:\n    equity: 5\n    joint_cap: 6\n"
    text += "    collection: {policy: laddr}\n    costs: {per_lon: 1 yuan}\n"
    fields = [line.split(": ")[1].removeprefix("lenders.ali.") for line in refused(tmp_path, text)]
    assert fields == ["equity", "joint_cap", "collection.policy", "costs.per_lon"]


def test_mistakes_name_the_file_they_are_in(tmp_path: Path):
    base = "merchants: {number: -1}\nlenders:\n  ali:\n" + LENDER
    lines = refused(tmp_path, "extends: base\nscale: -1\n", "lenders.ali.joint_cap=5", "merchants.numbr=5", base=base)
    places = [": ".join(line.split(": ")[:2]) for line in lines]
    assert places == [
        "s.yaml:2:8: scale",
        "base.yaml:1:21: merchants.number",
        "--set:1:1: merchants.numbr",
        "--set:1:1: lenders.ali.joint_cap",
    ]


def test_overrides_that_are_none_are_refused(tmp_path: Path):
    lines = refused(tmp_path, "scale: 1", "scale", "a..b=1", "merchants.number=[1", "scale=*x")
    assert lines == [
        "--set:1:1: scale: there is no = in it; write PATH=VALUE",
        "--set:1:1: a..b: is no path; write keys with dots between, as in scale=0.1",
        "--set:1:1: merchants.number: a list in brackets is not closed here; "
        "write `, ` between items and `]` after the last",
        "--set:1:1: scale: an alias (*x) is not allowed; write the value out",
    ]


def test_a_parameter_left_over_from_another_policy_names_its_origin(tmp_path: Path):
    base = "lenders:\n  ali:\n" + LENDER + "    limit: {policy: sales_multiple, multiple: 1.5}\n"
    text = "extends: base\nlenders: {ali: {limit: {policy: tiers}}}\n"
    (line,) = refused(tmp_path, text, base=base)
    assert line.startswith("base.yaml:6:47: lenders.ali.limit.multiple: is no parameter")
    assert "it comes from base.yaml; write `multiple: null` to leave it out" in line
    (tmp_path / "s.yaml").write_text("extends: base\nlenders: {ali: {limit: {policy: tiers, multiple: null}}}\n")
    assert load(tmp_path / "s.yaml").lenders["ali"].limit.parameters == {}
