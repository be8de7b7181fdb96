"""Champion and challenger inside one market: two lenders, each shown to its part of a split, compared by merchant.

A merchant's place in the split is drawn by its id, so that the arms differ by chance and by the lender alone. What
assignment to the challenger does to all merchants of its arm can be read off; what becomes of borrowers can be too, but
those were chosen by the strategies. The arms still share a market: what links them is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.channels import in_audience
from sim.core.money import parse_money
from sim.study.accounts import BAD_AFTER
from sim.study.arm_figures import ASSIGNED, BORROWERS, Estimate, Side, estimates, rows_of, say, say_interval, side_of
from sim.study.balance import Balance, balance_of, say_balance
from sim.study.sample_size import ALPHA, POWER, Design, differences_shown, sample_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.results.run import Run

# Measured with two arms of one lender: intervals of losses and of yield held zero in 86 and 88 of 100 divisions at 600
# merchants an arm, in 92 and 94 at 3,000; those of shares in 92 to 96 at both.
_FEW_BAD = 30


@dataclass(frozen=True)
class Arm:
    """A lender in a trial and its part of the split."""

    lender: str
    split: str
    at_least: float
    below: float

    @property
    def share(self) -> float:
        """Share of all merchants that the arm gets."""
        return self.below - self.at_least


@dataclass(frozen=True)
class Power:
    """Whether the sample can tell a difference of the bad rate, by the formula of `sim.study.sample_size`.

    Attributes
    ----------
    n_champion, n_challenger
        Merchants with a known outcome, of whom ``bad_rate`` of the champion's went bad.
    fall, rise
        Least difference that so many show with a power of 80 % at 5 %; None where nothing so small can be shown.
    wanted, n_needed
        The difference asked for, and merchants of each arm that would show it; None without one.
    """

    n_champion: int
    n_challenger: int
    bad_rate: float | None
    fall: float | None
    rise: float | None
    wanted: float | None = None
    n_needed: int | None = None

    @property
    def is_enough(self) -> bool | None:
        """Whether the sample suffices for the difference that was asked for."""
        if self.n_needed is None:
            return None
        both = self.n_champion + self.n_challenger
        return both > 0 and 2 * self.n_champion * self.n_challenger / both >= self.n_needed


@dataclass(frozen=True)
class Trial:
    """What a trial inside one market found; ``a`` is the champion, ``b`` the challenger.

    Attributes
    ----------
    n_a, n_b
        Merchants assigned to either.
    estimates
        One a figure.
    balance
        What the arms were like before: chance imbalance is not the challenger's.
    power
        Whether the sample can tell a difference of the bad rate.
    interference
        What links the arms, so that neither is a market of its own.
    notes
        What a reader should know besides.
    """

    a: Arm
    b: Arm
    n_a: int
    n_b: int
    bad_after: int
    estimates: tuple[Estimate, ...]
    balance: tuple[Balance, ...]
    power: Power
    interference: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def verdict(self) -> str:
        """Say in plain words what the trial shows, what it cannot show, and what to be wary of."""
        head = (
            f"{self.b.lender} against {self.a.lender}: {self.n_b:,} and {self.n_a:,} merchants by split "
            f"{self.a.split}, 95 % intervals in brackets."
        )
        parts = [head, _told("All merchants as assigned", self.estimates, ASSIGNED)]
        parts.append(_told("Of borrowers, whom the strategies chose", self.estimates, BORROWERS))
        parts.append(_say_power(self.power, self.bad_after))
        parts.append(say_balance(self.balance, self.n_a, self.n_b))
        parts.append(f"The arms share a market: {'; '.join(self.interference)}.")
        return " ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, one object for JSON."""
        power = self.power
        return {
            "rows": rows_of(self.estimates),
            "balance": [one.row() for one in self.balance],
            "summary": {
                "split": self.a.split,
                "champion": self.a.lender,
                "challenger": self.b.lender,
                "n_champion": self.n_a,
                "n_challenger": self.n_b,
                "bad_after": self.bad_after,
                "sample": {
                    "n_champion": power.n_champion, "n_challenger": power.n_challenger, "bad_rate": power.bad_rate,
                    "fall_shown": power.fall, "rise_shown": power.rise, "alpha": ALPHA, "power": POWER,
                    "difference": power.wanted, "n_needed": power.n_needed, "is_enough": power.is_enough,
                },
                "interference": list(self.interference),
                "verdict": self.verdict(),
                "notes": list(self.notes),
            },
        }  # fmt: skip


def arms_in(lenders: Mapping[str, Any], champion: str | None = None, challenger: str | None = None) -> tuple[Arm, Arm]:
    """Return champion and challenger among the lenders of a resolved scenario: the first two of one split.

    Raises
    ------
    ValueError
        When there are no two lenders in one split, a named one is not in it, or their parts overlap.
    """
    parts = {name: spec["audience"] for name, spec in lenders.items() if spec.get("audience")}
    for named in (champion, challenger):
        if named is not None and named not in parts:
            raise ValueError(f"no lender {named!r} with an audience; allowed: {', '.join(parts) or 'none has one'}")
    first = champion or next((name for name in parts if name != challenger), None)
    if first is None:
        raise ValueError("no lender has an audience: a trial needs two, such as audience: {split: trial, below: 0.5}")
    split = parts[first]["split"]
    others = [name for name, part in parts.items() if part["split"] == split and name != first]
    if challenger is not None and challenger not in others:
        raise ValueError(f"{challenger} and {first} are not two lenders of one split")
    if not others:
        raise ValueError(f"{first} is alone in split {split}: a trial needs a second lender there")
    second = challenger or others[0]
    a, b = (Arm(name, split, parts[name]["at_least"], parts[name]["below"]) for name in (first, second))
    if a.at_least < b.below and b.at_least < a.below:
        raise ValueError(f"the parts of {first} and {second} in split {split} overlap: merchants there have both")
    return a, b


def assigned(run: Run, arm: Arm) -> NDArray[np.bool_]:
    """Return which merchants of a run are assigned to an arm, (n,): its part of those who entered by the window's end.

    Who left early is still of its arm.
    """
    merchants = run.table("merchants", ["merchant_id", "entered"]).to_pandas()
    ids, last = merchants["merchant_id"].to_numpy(np.int64), np.datetime64(run.window[1], "D")
    entered = merchants["entered"].to_numpy().astype("datetime64[D]")
    is_own = in_audience(int(run.manifest["seed"]), arm.split, ids, arm.at_least, arm.below)
    return is_own & np.asarray(entered <= last, np.bool_)


def compare_arms(
    run: Run,
    champion: str | None = None,
    challenger: str | None = None,
    *,
    bad_after: int = BAD_AFTER,
    difference: float | None = None,
    copies: int | None = None,
) -> Trial:
    """Compare the two strategies of a trial, merchant by merchant.

    Parameters
    ----------
    champion, challenger
        Ids of the lenders; the first two of one split unless told.
    bad_after
        Days past due from which a borrower counts as gone bad.
    difference
        Least difference of the bad rate that matters, to be told whether the sample can show it.
    copies
        How often merchants are drawn again for the intervals of money; a thousand, or fewer of very many merchants.

    Raises
    ------
    ValueError
        When the run holds no such trial.
    """
    lenders = run.scenario.get("lenders") or {}
    a, b = arms_in(lenders, champion, challenger)
    who_a, who_b = assigned(run, a), assigned(run, b)
    if not (who_a.any() and who_b.any()):
        raise ValueError("an arm of the trial has no merchant")
    side_a, side_b = (
        side_of(run, arm.lender, who, bad_after=bad_after) for arm, who in ((a, who_a), (b, who_b))
    )
    found = estimates(side_a, side_b, int(run.manifest["seed"]), copies=copies)
    return Trial(
        a, b, side_a.n, side_b.n, bad_after, found,
        balance_of(run, who_a, who_b),
        _power(side_a, side_b, difference),
        tuple(_links(run, a, b)),
        tuple(_notes(lenders, a, b, side_a, side_b)),
    )  # fmt: skip


def _power(a: Side, b: Side, wanted: float | None) -> Power:
    known_a, known_b = int(a.accounts.is_known.sum()), int(b.accounts.is_known.sum())
    rate = int(a.accounts.is_bad.sum()) / known_a if known_a else None
    if rate is None or not 0.0 < rate < 1.0 or known_b == 0:
        return Power(known_a, known_b, rate, None, None, wanted)
    design = Design(rate)
    needed = None if wanted is None else sample_size(design, wanted).n_arm
    return Power(known_a, known_b, rate, *differences_shown(design, known_a, known_b), wanted, needed)


def _say_power(power: Power, bad_after: int) -> str:
    known = f"{power.n_champion:,} and {power.n_challenger:,} borrowers have an outcome"
    if power.bad_rate is None or not 0.0 < power.bad_rate < 1.0 or not power.n_challenger:
        return f"Sample: {known}; too few went {bad_after} days past due to say what the sample can show."
    fall = "no fall at all" if power.fall is None else f"a fall of {100 * -power.fall:.2f}"
    rise = "no rise at all" if power.rise is None else f"a rise of {100 * power.rise:.2f}"
    text = f"Sample: {known}; at a bad rate of {100 * power.bad_rate:.2f} % so many show {fall} or {rise} points"
    text += " in four trials of five, and nothing smaller."
    if power.wanted is not None and power.n_needed is not None:
        said = "enough" if power.is_enough else "too few"
        text += f" For {100 * power.wanted:+.2f} points {power.n_needed:,} of each arm are needed: {said}."
    return text


def _told(title: str, found: tuple[Estimate, ...], reading: str) -> str:
    of = [one for one in found if one.figure.reading == reading and one.difference is not None]
    clear = [
        f"{one.figure.label} {say(one.figure.unit, one.difference, signed=True)} "
        f"{say_interval(one.figure.unit, one.interval, signed=True)}"
        for one in of
        if one.is_clear
    ]
    unclear = [one.figure.label.partition(":")[0] for one in of if not one.is_clear]
    parts = [", ".join(clear)] if clear else []
    parts += [f"no clear difference in {', '.join(unclear)}"] if unclear else []
    return f"{title}: {'; '.join(parts) or 'nothing is defined'}."


def _links(run: Run, a: Arm, b: Arm) -> list[str]:
    """Say what makes one arm's outcome depend on the other's strategy."""
    lenders, links = run.scenario.get("lenders") or {}, []
    stolen = float(run.scenario["merchants"]["demand"]["business_stealing"])
    if stolen > 0:
        links.append(
            f"{stolen:.0%} of the demand that a shop cannot meet goes to rivals of its trade in either arm, so that "
            "credit to one takes from the other"
        )
    each = [parse_money(str(lenders[arm.lender]["equity"])) / arm.share for arm in (a, b)]
    more = each[1] / each[0] - 1
    if abs(more) > 0.01:
        links.append(f"each lends money of its own, of which {b.lender} has {more:+.0%} for a share of the market")
    else:
        links.append("each lends money of its own, equally much for a share of the market")
    daily = run.table("daily", ["lender", "rejected_funds"]).to_pandas().groupby("lender")["rejected_funds"].sum()
    for arm in (a, b):
        if daily.get(arm.lender, 0):
            links.append(f"{arm.lender} ran short of it {int(daily[arm.lender]):,} times")
    others = [name for name in lenders if name not in (a.lender, b.lender)]
    if others:
        links.append(f"merchants of both can go to {', '.join(others)} as well")
    return links


def _notes(lenders: Mapping[str, Any], a: Arm, b: Arm, *sides: Side) -> list[str]:
    notes = []
    if min(int(side.accounts.is_bad.sum()) for side in sides) < _FEW_BAD:
        notes.append(
            f"Fewer than {_FEW_BAD} merchants of an arm went bad: intervals of losses, profit and yield, which hang on "
            "so few, are too narrow."
        )
    for arm, side in zip((a, b), sides, strict=True):
        for name, change in (lenders[arm.lender].get("changes") or {}).items():
            if any(str(path).partition(".")[0] == "audience" for path in change["set"]):
                notes.append(f"The audience of {arm.lender} changes on {change['date']} ({name}); arms are as before.")
        borrowers, known = int(side.accounts.borrows.sum()), int(side.accounts.is_known.sum())
        if known < borrowers:
            what = "have a loan whose outcome is known by the run's end"
            notes.append(f"{arm.lender}: of {borrowers:,} borrowers {known:,} {what}.")
    return notes
