"""The collection ladder: what a scenario may write of it, and what is refused or noted, by name and place."""

from __future__ import annotations

import pytest

from sim.lenders.collection_terms import LADDER, Collection, Step, ladder_faults

FOREVER = 360


def faults(write_off_after: int = FOREVER, **steps: dict[str, object]) -> list[str]:
    ladder = {name: Step.model_validate(step) for name, step in steps.items()}
    found = ladder_faults(ladder, write_off_after)
    return [f"{one.step}.{one.key}: {one.problem}" + ("" if one.is_refused else " (noted)") for one in found]


def test_the_ladder_of_the_reference_lender_has_no_fault() -> None:
    assert Collection().steps == LADDER
    assert list(ladder_faults(LADDER, FOREVER)) == []
    order = sorted((step.after or -(step.before or 0), name) for name, step in LADDER.items())
    assert [name for _, name in order] == ["remind_before", "remind", "sweep", "blacklist", "close_shop"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ({"a": {"action": "call"}}, "a.after: neither before nor after"),
        (
            {"a": {"action": "remind", "after": "1 day", "before": "1 day"}},
            "a.after: before and after are both given",
        ),
        ({"a": {"action": "call", "before": "3 days"}}, "a.before: call before anything is due"),
        (
            {"a": {"action": "remind", "before": "3 days", "borrowers": "repeat"}},
            "a.borrowers: a reminder before due has no borrowers: it goes to all",
        ),
        ({"a": {"action": "sweep", "after": "3 days"}}, "a.share: a step to sweep needs a share"),
        ({"a": {"action": "legal", "after": "3 days", "share": 0.1}}, "a.share: a step to legal has no share"),
        ({"a": {"action": "call", "after": "9 days", "until": "8 days"}}, "a.until: ends at 8 days, before it begins"),
        (
            {"a": {"action": "legal", "after": "9 days", "every": "8 days"}},
            "a.every: legal is not done again and again",
        ),
        (
            {"a": {"action": "call", "after": "9 days", "least": "2 yuan", "most": "1 yuan"}},
            "a.least: the least that is due is more than the most",
        ),
        (
            {"a": {"action": "call", "after": "9 days", "platforms": []}},
            "a.platforms: is never reached: it is for nobody",
        ),
        (
            {"a": {"action": "legal", "after": "360 days"}},
            "a.after: is never reached: loans are written off at 360 days past due",
        ),
        (
            {"a": {"action": "sell", "after": "60 days", "share": 0.1}, "b": {"action": "legal", "after": "90 days"}},
            "b.after: is never reached: a ends it at 60 days past due",
        ),
        (
            {"a": {"action": "legal", "after": "90 days"}, "b": {"action": "sell", "after": "60 days", "share": 0.1}},
            "a.after: is never reached: b ends it at 60 days past due",
        ),
        (
            {
                "a": {"action": "remind", "after": "1 day", "tone": "positive"},
                "b": {"action": "remind", "after": "5 days", "tone": "threat"},
            },
            "b.tone: contradicts a on the same days: positive against threat",
        ),
        (
            {
                "a": {"action": "sweep", "after": "1 day", "share": 0.1},
                "b": {"action": "sweep", "after": "5 days", "share": 1},
            },
            "b.share: contradicts a on the same days: 0.1 against 1.0",
        ),
        (
            {"a": {"action": "remind", "before": "1 day"}, "b": {"action": "remind", "before": "5 days"}},
            "b.before: is a second reminder before due, beside a",
        ),
        (
            {"a": {"action": "tell_contacts", "after": "30 days"}},
            "a.action: contacts of debtors are told of their debts; many laws forbid it, and it harms people (noted)",
        ),
    ],
)  # fmt: skip
def test_a_bad_step_is_named(steps: dict[str, dict[str, object]], said: str) -> None:
    assert faults(**steps) == [said]


def test_steps_for_others_or_other_days_do_not_contradict() -> None:
    first = {"action": "remind", "after": "1 day", "until": "9 days", "tone": "positive"}
    assert faults(a=first, b=first | {"tone": "threat", "after": "10 days", "until": "90 days"}) == []
    assert faults(a=first | {"borrowers": "first"}, b=first | {"tone": "threat", "borrowers": "repeat"}) == []
    assert faults(a=first | {"least": "90 yuan"}, b=first | {"tone": "threat", "most": "80 yuan"}) == []
    small = {"action": "sell", "after": "60 days", "share": 0.1, "most": "1000 yuan"}
    assert faults(a=small, b={"action": "legal", "after": "90 days"}) == []  # the large ones come to it
