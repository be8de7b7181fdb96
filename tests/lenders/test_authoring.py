"""Declared parameters, and the text of a new policy."""

from __future__ import annotations

from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import pytest

from sim.lenders.authoring import Parameter, Refused, new_policy_source, parameter, parameters_of, read_parameters
from sim.lenders.check import check_policy
from sim.lenders.policy import ANSWERING, BUILT_IN, find_policy


def declared(default: Any, **settings: Any) -> Parameter:
    field = parameter(default, **{"unit": "1", "source": "assumption", "doc": "A thing."} | settings)
    return parameters_of(make_dataclass("Own", [("one", object, field)], frozen=True))[0]


@pytest.mark.parametrize(
    ("unit", "default", "written", "value"),
    [
        ("fen", "1 yuan", "50,000 yuan", 5_000_000),
        ("fen", "1 yuan", "1.6 bn yuan", 160_000_000_000),
        ("ppm a year", "1 %/year", "0.05 %/day", 182_500),
        ("ppm a year", "1 %/year", "0.5 %/month", 60_000),
        ("days", "1 day", "30 days", 30),
        ("share", 0.5, 1, 1.0),
        ("1", 5, 7.0, 7),
        ("1", True, False, False),
        ("1", "any", "word", "word"),
        ("fen", ("1 yuan", "2 yuan"), ["3 yuan"], (300,)),
        ("share", (0.1, 0.2), [0, 1], (0.0, 1.0)),
    ],
)
def test_a_value_is_read_in_its_unit(unit: str, default: Any, written: Any, value: Any) -> None:
    read = declared(default, unit=unit).read(written)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("unit", "default", "written", "problem"),
    [
        ("fen", "1 yuan", 50, "bare number"),
        ("fen", "1 yuan", "0.05 %/day", "not an amount"),
        ("ppm a year", "1 %/year", 0.05, "bare number"),
        ("ppm a year", "1 %/year", "0.05 %/day (360)", "says a basis"),
        ("ppm a year", "1 %/year", "5 %", "not a rate"),
        ("days", "1 day", 3, "bare number"),
        ("days", "1 day", "1 month", "no fixed number of days"),
        ("share", 0.5, "0.5", "wrong type"),
        ("share", 0.5, True, "wrong type"),
        ("share", 0.5, float("nan"), "not finite"),
        ("share", 0.5, 10**400, "too large"),
        ("share", 0.5, None, "wrong type"),
        ("1", 5, 2.5, "no whole number"),
        ("1", True, 1, "wrong type"),
        ("1", "any", 1, "wrong type"),
        ("share", (0.1,), 0.2, "where a list is needed"),
        ("share", (0.1,), [], "where a list is needed"),
        ("share", (0.1,), [0.2, "x"], "wrong type"),
    ],
)
def test_a_value_without_its_unit_or_of_another_type_is_refused(
    unit: str, default: Any, written: Any, problem: str
) -> None:
    with pytest.raises(Refused, match=problem):
        declared(default, unit=unit).read(written)


def test_bounds_hold_for_every_entry_and_are_told_as_written() -> None:
    money = declared("5 yuan", unit="fen", low="1 yuan", high="1 m yuan")
    assert money.read("1 yuan") == 100
    with pytest.raises(Refused) as low:
        money.read("0.99 yuan")
    assert low.value.allowed == "allowed: 1 yuan to 1 m yuan"
    with pytest.raises(Refused):
        declared((0.1, 0.2), unit="share", low=0, high=1).read([0.5, 1.5])
    with pytest.raises(Refused, match="at least 2"):
        declared(3, low=2).read(1)
    with pytest.raises(Refused, match="at most 4"):
        declared(3, high=4).read(5)


@pytest.mark.parametrize("missing", ["unit", "source", "doc"])
def test_a_parameter_says_unit_source_and_what_it_does(missing: str) -> None:
    with pytest.raises(ValueError, match="says its unit"):
        declared(1, **{missing: ""})


def test_a_default_outside_its_own_bounds_is_refused_at_once() -> None:
    with pytest.raises(Refused, match="out of bounds"):
        declared("5 yuan", unit="fen", high="4 yuan")


def test_plain_constructors_have_parameters_too() -> None:
    class Own:
        def __init__(self, share: float, name: str = "x", *rest: int, **others: int) -> None:
            self.share, self.name = share, name

    values, problems = read_parameters(Own, {"name": 3})
    assert values == {}
    assert [one.field for one in problems] == ["name", "share"]
    assert read_parameters(Own, {"share": 0.5, "name": "y"}) == ({"share": 0.5, "name": "y"}, [])


def test_every_parameter_of_every_built_in_is_declared_in_full() -> None:
    for kind, ids in BUILT_IN.items():
        for name in ids:
            for one in parameters_of(find_policy(kind, name)):
                where = f"{kind} {name} {one.name}"
                assert one.unit, where
                assert one.source, where
                assert one.doc.endswith("."), where
                is_word = isinstance(one.default, str)
                assert is_word == bool(one.choices), where
                assert is_word or (one.low is not None and one.high is not None), where


def test_every_built_in_stands_at_the_ends_of_each_parameter() -> None:
    """A bound is a promise: the policy answers properly with every single parameter at either end."""
    tried = 0
    for kind in ANSWERING:
        for name in BUILT_IN[kind]:
            policy_class = find_policy(kind, name)
            for one in parameters_of(policy_class):
                for end in one.choices or (one.low, one.high):
                    if isinstance(one.default, tuple):
                        continue
                    value = type(one.default)(end)
                    ended = type(
                        policy_class.__name__, (policy_class,), {"__init__": _with(policy_class, one.name, value)}
                    )
                    if kind == "pricing" and one.name in ("lowest", "highest"):
                        continue  # each bounds the other
                    assert check_policy(ended, kind) == [], (kind, name, one.name, end)
                    tried += 1
    assert tried > 40


def _with(policy_class: type, name: str, value: object) -> Any:
    def make(self: Any) -> None:
        policy_class.__init__(self, **{name: value})

    return make


def test_a_new_policy_conforms_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "my_first_card.py").write_text(new_policy_source("my_first_card"))
    assert check_policy("my_first_card:MyFirstCard", folder=tmp_path) == []


@pytest.mark.parametrize("name", ["", "My", "my-policy", "../x", "class", "1st", "a" * 80, "x y", "x\ny"])
def test_a_name_that_is_no_module_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a policy"):
        new_policy_source(name)
