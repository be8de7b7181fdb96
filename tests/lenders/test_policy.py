"""Loading policies, and checking what they answer."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_views import a_context, a_view

from sim.errors import PolicyError
from sim.lenders.policies.limits import SalesMultiple
from sim.lenders.policy import (
    ANSWERING,
    BUILT_IN,
    KINDS,
    Answer,
    check_parameters,
    columns_for,
    decide,
    load_policy,
    source_file,
    tiles,
)


def test_every_id_of_the_contract_loads_with_its_defaults() -> None:
    ids = {kind: tuple(BUILT_IN[kind]) for kind in KINDS}
    assert ids == {
        "scoring": ("points", "rules"),
        "limit": ("sales_multiple", "tiers"),
        "pricing": ("flat", "tiers", "risk_based"),
        "approval": ("automatic", "desk"),
        "monitoring": ("none", "signals"),
        "collection": ("ladder",),
        "negotiation": ("none", "slow", "fast", "personalised", "early"),
    }
    for kind, names in ids.items():
        for name in names:
            assert load_policy(kind, name).kind == kind


@pytest.mark.parametrize(
    ("kind", "policy", "problem", "allowed", "hint"),
    [
        ("scoring", "pionts", "no scoring policy 'pionts'", "points, rules", "did you mean points?"),
        ("approval", "desks", "no approval policy 'desks'", "automatic, desk", "did you mean desk?"),
        ("negotiation", "slwo", "no negotiation policy 'slwo'", "none, slow, fast", "did you mean slow?"),
        ("collection", "mine:Ladder", "an own collection policy is not yet available", "ladder", ""),
        ("scorign", "points", "'scorign' is no kind of policy", "scoring", "did you mean scoring?"),
        ("limit", "../etc/passwd:X", "'../etc/passwd:X' is no module:Class", "a form like", ""),
        ("limit", "no_such_module:X", "no module 'no_such_module'", "looked in", ""),
        ("limit", "json:X", "json has no class 'X'", "defines no class", ""),
    ],
)
def test_a_policy_that_cannot_be_had_is_refused(kind: str, policy: str, problem: str, allowed: str, hint: str) -> None:
    (found,) = check_parameters(kind, policy, {})
    assert found.field == "policy"
    assert problem in found.problem
    assert allowed in found.allowed
    assert found.hint == hint


def test_all_mistakes_of_a_block_are_found_at_once() -> None:
    written = {"multipel": 2, "cap": 50_000, "minimum": "-3 yuan", "factor": 1, "late_cut": 1.5, "late_from": "8 %/day"}
    problems = {one.field: one for one in check_parameters("limit", "sales_multiple", written)}
    assert set(problems) == set(written)
    assert problems["multipel"].hint == "did you mean multiple?"
    assert "bare number" in problems["cap"].problem
    assert "negative" in problems["minimum"].problem
    assert "list" in problems["factor"].problem
    assert problems["late_cut"].allowed == "allowed: 0 to 1"
    with pytest.raises(PolicyError) as refused:
        load_policy("limit", "sales_multiple", written)
    assert len(str(refused.value).splitlines()) == len(written)


def test_a_combination_that_the_policy_refuses_is_reported_at_its_field() -> None:
    (found,) = check_parameters("limit", "tiers", {"amounts": ["100 yuan"]})
    assert found.field == "score_from"
    assert found.problem == "has 4 entries where amounts has 1"
    (found,) = check_parameters("pricing", "tiers", {"score_from": [0.5, 0.4], "factor": [1, 1]})
    assert (found.field, found.problem) == ("score_from", "the thresholds do not ascend")


def test_parameters_arrive_in_their_unit() -> None:
    made = load_policy("limit", "sales_multiple", {"cap": "20,000 yuan", "late_from": "5 days", "factor": [1, 2, 3, 4]})
    assert (made.cap, made.late_from, made.factor, made.multiple) == (2_000_000, 5, (1.0, 2.0, 3.0, 4.0), 1.5)
    assert made == SalesMultiple(cap=2_000_000, late_from=5, factor=(1.0, 2.0, 3.0, 4.0))


OWN = """
from dataclasses import dataclass
import numpy as np

@dataclass(frozen=True)
class Own:
    kind = "limit"
    needs = ("tenure_days",)
    amount: int = {amount}

    def __call__(self, view, context):
        return np.full(view.n, self.amount, np.int64)
"""


@pytest.mark.parametrize("place", [".", "experiments", "..", "../experiments"])
def test_an_own_policy_is_found_in_the_folder_tree(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "scenarios"
    (folder / place).resolve().mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    file = (folder / place / "own_policy_somewhere.py").resolve()
    file.write_text(OWN.format(amount=7))
    made = load_policy("limit", "own_policy_somewhere:Own", {"amount": 8}, folder)
    assert made.amount == 8
    assert source_file(made) == file


def test_a_dotted_module_is_found_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "first.py").write_text(OWN.format(amount=7))
    assert load_policy("limit", "mine.first:Own", {}, tmp_path).amount == 7


def test_a_changed_file_is_read_anew_and_namesakes_do_not_meet(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "own.py").write_text(OWN.format(amount=ord(name)))
    made = [load_policy("limit", "own:Own", {}, tmp_path / name).amount for name in ("a", "b")]
    assert made == [97, 98]
    (tmp_path / "a" / "own.py").write_text(OWN.format(amount=10))
    assert load_policy("limit", "own:Own", {}, tmp_path / "a").amount == 10
    assert not list(tmp_path.rglob("__pycache__"))


def test_an_unchanged_file_gives_one_class_however_often_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN.format(amount=7))
    first, second = (load_policy("limit", "own:Own", {}, tmp_path) for _ in range(2))
    assert type(first) is type(second)
    assert first == second


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def (", "SyntaxError"),
        ("import no_such_thing_at_all", "No module named 'no_such_thing_at_all'"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "broken.py").write_text(text)
    (found,) = check_parameters("limit", "broken:Own", {}, tmp_path)
    assert "broken.py cannot be loaded" in found.problem
    assert said in found.problem


def test_unknown_columns_are_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN.format(amount=7).replace("tenure_days", "tenure"))
    (found,) = check_parameters("limit", "own:Own", {}, tmp_path)
    assert "'tenure'" in found.problem
    assert found.hint == "did you mean tenure_days?"


def test_a_policy_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN.format(amount=7))
    (found,) = check_parameters("scoring", "own:Own", {}, tmp_path)
    assert "is a limit policy, used for scoring" in found.problem


def test_what_each_kind_may_see() -> None:
    assert "score" not in columns_for("scoring")
    assert "score" in columns_for("limit")
    assert {"score", "limit_fen"} <= set(columns_for("pricing"))
    assert not {"integrity", "quality", "kappa"} & {name for kind in ANSWERING for name in columns_for(kind)}


@dataclass
class Says:
    """A policy that answers what it is told to."""

    answer: Any
    needs: tuple[str, ...] = ("tenure_days",)
    reasons: tuple[str, ...] = ("young shop",)

    def __call__(self, view: Any, context: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("kind", "answer", "said"),
    [
        ("scoring", None, "of type NoneType"),
        ("scoring", [0.5, 0.5], "of type list"),
        ("scoring", np.full(3, 0.5), "shape (3,), not (2,)"),
        ("scoring", np.full((2, 1), 0.5), "shape (2, 1), not (2,)"),
        ("scoring", np.array([1, 0]), "dtype int64"),
        ("scoring", np.array([0.5, np.nan]), "not finite"),
        ("scoring", np.array([0.5, np.inf]), "not finite"),
        ("scoring", np.array([0.5, 1.1]), "runs from 0.5 to 1.1"),
        ("scoring", np.array([-0.1, 1.0]), "runs from -0.1 to 1.0"),
        ("limit", np.array([1.0, 2.0]), "dtype float64"),
        ("limit", np.array([-1, 2]), "runs from -1 to 2"),
        ("limit", np.array([1, 10**15]), "runs from 1 to 1000000000000000"),
        ("pricing", np.array([1, 2]), "shape (2,), not (2, 2)"),
        ("pricing", np.full((2, 2), -5), "runs from -5 to -5"),
        ("approval", np.array([1, 0]), "dtype int64"),
        ("scoring", Answer(np.full(2, 0.5), np.zeros(2, np.int8)), "no int8 array"),
        ("scoring", Answer(np.full(2, 0.5), np.zeros((2, 1))), "no int8 array"),
        ("scoring", Answer(np.full(2, 0.5), np.ones((2, 1), np.int8)), "run from 1 to 1, with 1 named"),
        ("scoring", ValueError("odd"), "ValueError: odd"),
        ("scoring", PolicyError("undeclared"), "undeclared"),
    ],
)
def test_a_wrong_answer_names_policy_lender_and_day(kind: str, answer: Any, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        decide(Says(answer), kind, a_view(("tenure_days",), 2), a_context(lender="bank"))
    message = str(caught.value)
    assert said in message
    assert message.startswith(f"{kind} policy Says, lender bank, 2012-01-01: ")


@pytest.mark.parametrize(
    ("kind", "answer", "dtype"),
    [
        ("scoring", np.array([0.25, 1.0], np.float32), "float64"),
        ("limit", np.array([0, 5], np.int32), "int64"),
        ("limit", np.array([0, 5], np.uint8), "int64"),
        ("pricing", np.full((2, 2), 182_500), "int64"),
        ("approval", np.array([True, False]), "bool"),
    ],
)
def test_a_good_answer_comes_in_the_dtype_of_its_kind(kind: str, answer: Any, dtype: str) -> None:
    answered = decide(Says(answer), kind, a_view(("tenure_days",), 2), a_context())
    assert answered.values.dtype == dtype
    assert np.array_equal(answered.values, answer)
    assert answered.reasons is not None
    assert (answered.reasons.shape, answered.reasons.dtype) == ((2, 0), np.int8)


def test_no_applicants_is_an_answer_too() -> None:
    answered = decide(
        Says(Answer(np.empty(0), np.empty((0, 1), np.int8))), "scoring", a_view(("tenure_days",), 0), a_context()
    )
    assert answered.values.size == 0


def test_tiles_cover_every_row_once() -> None:
    for n in (0, 1, 9, 10, 11, 25):
        rows = np.concatenate([np.arange(n)[part] for part in tiles(n, 10)] or [np.arange(0)])
        assert np.array_equal(rows, np.arange(n))


def test_policies_import_nothing_heavy() -> None:
    code = (
        "import sys, sim.lenders.check, sim.lenders.policies.pricing, sim.lenders.policies.funding\n"
        "heavy = {'numba', 'pandas', 'mesa', 'matplotlib', 'pyarrow', 'pydantic', 'scipy', 'sim.world', 'sim.engine'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
