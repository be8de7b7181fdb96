"""``lendsim check`` on policies: every shipped one conforms, and each check is the only one to catch its policy."""

from __future__ import annotations

from pathlib import Path

import bad_policies
import pytest

from sim.errors import PolicyError
from sim.lenders.check import check_policy
from sim.lenders.policy import BUILT_IN, KINDS
from sim.lenders.source_scan import forbidden_uses

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

CAUGHT_BY = {
    "NotCallable": "protocol",
    "WrongSignature": "protocol",
    "NoDefault": "parameters",
    "RaisesInConstructor": "parameters",
    "NeedsMisspelt": "needs",
    "NeedsHidden": "needs",
    "NeedsNoTuple": "needs",
    "LooksAtUndeclared": "columns",
    "LooksAtHidden": "columns",
    "Writes": "read_only",
    "WritesByForce": "read_only",
    "Raises": "runs",
    "WrongShape": "shape",
    "NoArray": "shape",
    "WrongDtype": "dtype",
    "NotFinite": "finite",
    "OutOfBounds": "bounds",
    "NegativeLimit": "bounds",
    "UnnamedReason": "reasons",
    "ReasonsNoTuple": "reasons",
    "DrawsFresh": "randomness",
    "DrawsSeeded": "randomness",
    "DrawsInAHelper": "randomness",
    "DrawsHidden": "randomness",
    "DrawsShared": "randomness",
    "ReadsTheClock": "clock",
    "ReadsTheDate": "clock",
    "StumblesOverNobody": "empty",
    "SqueezesOne": "one_row",
    "RanksAndSqueezesOne": "one_row",
    "DividesBySales": "extremes",
    "TwoProductsOnly": "products",
    "LooksAtThePlace": "permutation",
    "LooksAtTheOthers": "subset",
    "CountsCalls": "state",
    "RemembersInAList": "state",
    "RemembersInTheClass": "state",
    "RemembersInTheModule": "order",
}


@pytest.mark.parametrize(("kind", "policy"), [(kind, policy) for kind in KINDS for policy in BUILT_IN[kind]])
def test_every_shipped_policy_conforms(kind: str, policy: str) -> None:
    assert check_policy(policy, kind) == []


@pytest.mark.parametrize("given", [{"window": "naive"}, {"even_points": 0}, {"even_points": 300}])
def test_the_card_conforms_in_all_its_settings(given: dict[str, object]) -> None:
    assert check_policy("points", "scoring", given) == []


@pytest.mark.parametrize("name", ["cautious_newcomer:CautiousNewcomer", "learned_offers:ByGroup"])
def test_the_examples_in_experiments_conform(name: str) -> None:
    assert check_policy(name, folder=ROOT / "scenarios") == []


@pytest.mark.parametrize("name", ["Good", "UsesTheCoin", "RanksAndSaysSo", "WithParameters"])
def test_good_policies_pass(name: str) -> None:
    assert check_policy(getattr(bad_policies, name)) == []
    assert check_policy(f"bad_policies:{name}", folder=HERE) == []


@pytest.mark.parametrize(("name", "check"), CAUGHT_BY.items())
def test_each_bad_policy_is_caught_by_its_check_alone(name: str, check: str) -> None:
    findings = check_policy(f"bad_policies:{name}", folder=HERE)
    assert [finding.check for finding in findings] == [check]
    assert findings[0].problem
    assert findings[0].mend
    assert "\n" not in str(findings[0])


def test_no_check_is_without_its_bad_policy() -> None:
    everything = {name for name in vars(bad_policies) if isinstance(getattr(bad_policies, name), type)}
    kept = {name for name in everything if getattr(bad_policies, name).__module__ == "bad_policies"}
    assert kept - set(CAUGHT_BY) == {"Good", "UsesTheCoin", "RanksAndSaysSo", "WithParameters", "NoKind"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NeedsMisspelt", "did you mean sales_mean_30d?"),
        ("LooksAtUndeclared", "add it to `needs`"),
        ("LooksAtHidden", "no observable column 'quality'"),
        ("NoDefault", "cap: has no default"),
        ("DrawsSeeded", "numpy.random.default_rng"),
        ("DrawsInAHelper", "random.Random"),
        ("OutOfBounds", "return floats from 0 to 1"),
        ("SqueezesOne", "for a single merchant"),
        ("DividesBySales", "not finite"),
        ("Raises", "KeyError"),
    ],
)
def test_a_finding_tells_the_author_what_to_mend(name: str, said: str) -> None:
    assert said in str(check_policy(getattr(bad_policies, name))[0])


def test_a_ranking_policy_that_does_not_say_so_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bad_policies.RanksAndSaysSo, "ranks_batch", False)
    assert [finding.check for finding in check_policy(bad_policies.RanksAndSaysSo)] == ["subset"]


def test_the_scan_reads_only_what_the_policy_reaches() -> None:
    assert forbidden_uses(bad_policies.Good) == []
    (use,) = forbidden_uses(bad_policies.DrawsSeeded)
    line = Path(bad_policies.__file__).read_text().splitlines()[use.line - 1]
    assert "np.random.default_rng(7)" in line


def test_a_class_without_source_is_still_run() -> None:
    space: dict[str, object] = {}
    exec("class Typed:\n  kind = 'scoring'\n  needs = ()\n  def __call__(self, view, context): return None", space)
    typed = space["Typed"]
    assert isinstance(typed, type)
    assert [finding.check for finding in check_policy(typed)] == ["shape"]


@pytest.mark.parametrize(
    ("target", "kind", "said"),
    [
        ("no_such:Thing", None, "no module 'no_such'"),
        ("bad_policies:Goood", None, "did you mean Good?"),
        ("bad_policies.py", None, "no module:Class"),
        ("bad_policies:Good", "limit", "says kind = 'scoring'"),
        ("bad_policies:NoKind", None, "write kind = ..."),
        ("bad_policies:NoKind", "collection", "not yet available"),
        ("pionts", "scoring", "did you mean points?"),
    ],
)
def test_nothing_to_check_is_an_error(target: str, kind: str | None, said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        check_policy(target, kind, folder=HERE)
    assert said in str(refused.value)


def test_the_kind_can_be_given_for_a_class_that_does_not_say() -> None:
    assert check_policy("bad_policies:NoKind", "scoring", folder=HERE) == []


def test_parameters_are_checked_as_a_scenario_writes_them() -> None:
    assert check_policy(bad_policies.WithParameters, parameters={"factor": 0.5}) == []
    (finding,) = check_policy(bad_policies.WithParameters, parameters={"faktor": 0.5})
    assert "did you mean factor?" in str(finding)
