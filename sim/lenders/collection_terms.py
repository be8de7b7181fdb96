"""The collection ladder as a scenario writes it: steps by name, each with when, for whom, what and at what cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Literal, NamedTuple

from sim.core.quantities import Days, Id, Money, Parameters, Share, Switch, Text, days_text, parameter
from sim.lenders.policy_spec import PolicySpec

ACTIONS = (
    "remind", "sweep", "tell_contacts", "call", "suspend", "close_shop", "blacklist", "help", "legal", "sell",
)  # fmt: skip
NEEDS_SHARE = ("sweep", "help", "sell")  # what the share is of: see `Step.share`
ENDS = ("sell",)  # after these the lender has nothing more to do with the loan
ONCE = ("suspend", "close_shop", "blacklist", "legal", "sell")
FOR_EVER = 3650  # days: what the bounds of the keys call for ever


class Step(Parameters):
    """One step of the ladder."""

    action: Literal[
        "remind", "sweep", "tell_contacts", "call", "suspend", "close_shop", "blacklist", "help", "legal", "sell"
    ] = parameter(..., unit="name", source="facts A.1.3", doc="What is done.")
    before: Days | None = parameter(
        None, unit="days", low="1 day", high="30 days", source="facts B.3, V36", doc="Days before due; only to remind."
    )
    after: Days | None = parameter(
        None, unit="days past due", low="1 day", high="3650 days", source="assumption", doc="Days past due: its first."
    )
    until: Days = parameter(
        "3650 days", unit="days past due", low="1 day", high="3650 days", source="assumption", doc="Its last day."
    )
    every: Days = parameter(
        "0 days", unit="days", low="0 days", high="365 days", source="assumption", doc="Days between two; 0 is once."
    )
    least: Money = parameter(
        "0 yuan", unit="yuan", low="0 yuan", high="1 bn yuan", source="assumption", doc="Least that is due."
    )
    most: Money = parameter(
        "1 bn yuan", unit="yuan", low="0 yuan", high="1 bn yuan", source="assumption", doc="Most that is due."
    )
    score_below: Share = parameter(
        1.0, unit="score", source="assumption", doc="Only borrowers whose score at the decision was below it."
    )
    score_from: Share = parameter(
        0.0,
        unit="score",
        source="facts A.1.3: help is for those who qualify",
        doc="Only borrowers whose score at the decision was at least that.",
    )
    borrowers: Literal["all", "first", "repeat"] = parameter(
        "all", unit="name", source="facts B.3, V37", doc="Whom: all, first loans, or later loans."
    )
    platforms: tuple[Literal["taobao", "tmall", "b2b"], ...] = parameter(
        ("taobao", "tmall", "b2b"), unit="names", source="assumption", doc="Platforms whose shops it is for."
    )
    tone: Literal["plain", "positive", "threat"] = parameter(
        "plain", unit="name", source="facts B.3, V38", doc="Tone of a reminder."
    )
    share: Share | None = parameter(
        None,
        unit="share",
        source="assumption",
        doc="Of the wallet that a sweep takes; of visitors that help adds; of the balance that a sale brings.",
    )
    cost: Money = parameter(
        "0 yuan", unit="yuan", low="0 yuan", high="1 m yuan", source="assumption", doc="Cost of it, beside a contact's."
    )


LADDER: dict[str, Step] = {
    name: Step.model_validate(step)
    for name, step in {
        "remind_before": {"action": "remind", "before": "3 days"},
        "remind": {"action": "remind", "after": "1 day", "every": "7 days"},
        "sweep": {"action": "sweep", "after": "3 days", "share": 0.8},
        "close_shop": {"action": "close_shop", "after": "90 days"},
        "blacklist": {"action": "blacklist", "after": "90 days"},
    }.items()
}
"""What the reference lender does (facts A.1.3); when it does it is an assumption."""


class Collection(PolicySpec):
    """What is done about loans that are late."""

    policy: Text = parameter("ladder", unit="name", source="design section 3", doc="Collection policy.")
    steps: dict[Id, Step] = parameter(
        LADDER, unit="mapping", source="facts A.1.3", doc="Steps of the ladder, by name; null takes one away."
    )
    identity: Switch = parameter(
        True, unit="true or false", source="facts A.1.2", doc="Whether a borrower is known again under another name."
    )


class Fault(NamedTuple):
    """What is wrong with a step: its name, the key, the problem, what is allowed; whether it is refused or noted."""

    step: str
    key: str
    problem: str
    allowed: str
    is_refused: bool = True


def ladder_faults(steps: Mapping[str, Step], write_off_after: int) -> Iterator[Fault]:
    """Yield what does not fit together: in a step, a step that is never reached, two steps that contradict."""
    for name, step in steps.items():
        yield from _in_itself(name, step)
        if (step.after or 0) >= write_off_after:
            problem = f"is never reached: loans are written off at {days_text(write_off_after)} past due"
            yield Fault(name, "after", problem, "lower it, or raise write_off_after")
    for (one, first), (other, second) in combinations(steps.items(), 2):
        yield from _together(one, first, other, second)
        yield from _together(other, second, one, first, again=True)


def _in_itself(name: str, step: Step) -> Iterator[Fault]:
    if (step.before is None) == (step.after is None):
        problem = "neither before nor after" if step.before is None else "before and after are both given"
        yield Fault(name, "after", problem, "write days past due, after: 3 days, or to remind before: 3 days")
    if step.before is not None and step.action != "remind":
        yield Fault(name, "before", f"{step.action} before anything is due", "only a reminder can come before")
    if step.before is not None and (key := _conditions(step)):
        yield Fault(name, key, f"a reminder before due has no {key}: it goes to all", "leave it out, or write after")
    if step.before is not None and step.tone != "plain":
        yield Fault(name, "tone", f"a {step.tone} reminder before anything is due", "tones are for what is past due")
    if step.after is not None and step.until < step.after:
        allowed = f"allowed: {days_text(step.after)} or more"
        yield Fault(name, "until", f"ends at {days_text(step.until)}, before it begins", allowed)
    if step.least > step.most:
        yield Fault(name, "least", "the least that is due is more than the most", "lower it, or raise most")
    if (step.share is None) == (step.action in NEEDS_SHARE):
        is_missing = step.share is None
        problem = f"a step to {step.action} " + ("needs a share" if is_missing else "has no share")
        yield Fault(name, "share", problem, f"for {', '.join(NEEDS_SHARE)}")
    if step.every and step.action in (*ONCE, "sweep"):
        yield Fault(name, "every", f"{step.action} is not done again and again", "leave every out")
    if step.score_below <= step.score_from or not step.platforms:
        key = "platforms" if not step.platforms else "score_below"
        allowed = "name at least one platform, a score_below above 0 and above score_from"
        yield Fault(name, key, "is never reached: it is for nobody", allowed)
    if step.action == "tell_contacts":
        problem = "contacts of debtors are told of their debts; many laws forbid it, and it harms people"
        yield Fault(name, "action", problem, "a lever to study, off by default (facts B.3, V39)", is_refused=False)


def _conditions(step: Step) -> str:
    """The first key of a step that says for whom, how often or at what cost, and is not as usual; empty if none."""
    keys = ("until", "every", "least", "most", "score_below", "score_from", "borrowers", "platforms", "cost")
    plain = Step.model_validate({"action": "remind", "before": "1 day"})
    return next((key for key in keys if getattr(step, key) != getattr(plain, key)), "")


def _together(one: str, first: Step, other: str, second: Step, *, again: bool = False) -> Iterator[Fault]:
    """Yield how the first of two steps stands against the second."""
    if first.after is None or second.after is None:
        if first.before is not None and second.before is not None and not again:
            yield Fault(other, "before", f"is a second reminder before due, beside {one}", "keep one of them")
        return
    if first.action in ENDS and second.after > first.after and _covers(first, second):
        yield Fault(other, "after", f"is never reached: {one} ends it at {days_text(first.after)} past due", "move it")
    is_same = first.action == second.action and not again
    if not is_same or not _meet(first, second):
        return
    differ = [key for key in ("tone", "share") if getattr(first, key) != getattr(second, key)]
    for key in differ:
        said = f"{getattr(first, key)} against {getattr(second, key)}"
        yield Fault(other, key, f"contradicts {one} on the same days: {said}", "let them differ in days or borrowers")


def _covers(first: Step, second: Step) -> bool:
    """Whether everybody who comes to the second step has come to the first."""
    return (
        first.least <= second.least
        and first.most >= second.most
        and first.score_below >= second.score_below
        and first.score_from <= second.score_from
        and first.borrowers in ("all", second.borrowers)
        and set(first.platforms) >= set(second.platforms)
    )


def _meet(first: Step, second: Step) -> bool:
    """Whether two steps can hold for one loan on one day."""
    if first.after is None or second.after is None:
        return False
    return (
        max(first.after, second.after) <= min(first.until, second.until)
        and max(first.least, second.least) <= min(first.most, second.most)
        and max(first.score_from, second.score_from) < min(first.score_below, second.score_below)
        and ("all" in (first.borrowers, second.borrowers) or first.borrowers == second.borrowers)
        and bool(set(first.platforms) & set(second.platforms))
    )
