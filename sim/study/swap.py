"""Swap sets: whom a new strategy takes in, whom it leaves out, and what became of them in truth.

The same world under two strategies: merchants by each lender's first decision on them. What a lender with the old
strategy alone cannot know, the outcome of those it refused, is seen in the other run, beside what it would infer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.money import FEN_PER_YUAN
from sim.errors import StoreError
from sim.study.accounts import BAD_AFTER, Accounts, accounts_with
from sim.study.arm_figures import say, say_interval
from sim.study.intervals import Interval, of_copies, of_share, resampled_sums
from sim.study.reject_inference import METHODS, Inference
from sim.study.swap_inference import Inferred, infer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.results.run import Run

NEVER_ASKED, DECLINED, APPROVED = -1, 0, 1
#: Name, what it is in words for the names of both, and the first decisions of A and of B.
GROUPS = (
    ("AA", "approved by both", APPROVED, APPROVED),
    ("AD", "swapped out: approved by {a} alone", APPROVED, DECLINED),
    ("DA", "swapped in: approved by {b} alone", DECLINED, APPROVED),
    ("DD", "declined by both", DECLINED, DECLINED),
    ("A_approved", "asked {a} alone, approved", APPROVED, NEVER_ASKED),
    ("A_declined", "asked {a} alone, declined", DECLINED, NEVER_ASKED),
    ("B_approved", "asked {b} alone, approved", NEVER_ASKED, APPROVED),
    ("B_declined", "asked {b} alone, declined", NEVER_ASKED, DECLINED),
    ("none", "asked neither", NEVER_ASKED, NEVER_ASKED),
)
SWAPPED_IN = "DA"
#: What the difference of the two strategies consists of: name, in words, and the groups that are in it.
PARTS = (
    ("swap", "by the swap", ("AD", "DA")),
    ("alike", "on those decided alike", ("AA", "DD")),
    ("one_alone", "on those who asked one alone", ("A_approved", "A_declined", "B_approved", "B_declined")),
    ("all", "in all", tuple(name for name, *_ in GROUPS)),
)


@dataclass(frozen=True)
class Lent:
    """What a lender lent to the merchants of a group, and what came of it; yuan."""

    n_borrowers: int
    lent: float
    n_known: int
    n_bad: int
    profit: float
    profit_interval: Interval

    @property
    def bad_rate(self) -> float | None:
        """Share of the borrowers with a known outcome who went bad."""
        return self.n_bad / self.n_known if self.n_known else None

    @property
    def bad_interval(self) -> Interval:
        """Its 95 % interval."""
        return of_share(self.n_bad, self.n_known)


@dataclass(frozen=True)
class Group:
    """The merchants on whom A and B first decided in one way.

    ``profit_difference`` is what B earns on them less what A earns, yuan, with its interval. The last three are hidden
    truth: no lender knows them.
    """

    name: str
    label: str
    n: int
    a: Lent
    b: Lent
    profit_difference: float
    interval: Interval
    opportunists: float | None
    fraudsters: float | None
    quality: float | None

    def row(self) -> dict[str, Any]:
        """Return plain values; an undefined number is None."""
        found: dict[str, Any] = {"group": self.name, "label": self.label, "n": self.n}
        for side, lent in (("a", self.a), ("b", self.b)):
            found |= {
                f"borrowers_{side}": lent.n_borrowers, f"lent_{side}": lent.lent,
                f"known_{side}": lent.n_known, f"bad_{side}": lent.n_bad, f"bad_rate_{side}": lent.bad_rate,
                f"bad_rate_low_{side}": lent.bad_interval.low, f"bad_rate_high_{side}": lent.bad_interval.high,
                f"profit_{side}": lent.profit, f"profit_low_{side}": lent.profit_interval.low,
                f"profit_high_{side}": lent.profit_interval.high,
            }  # fmt: skip
        return found | {
            "profit_difference": self.profit_difference, "low": self.interval.low, "high": self.interval.high,
            "opportunists": self.opportunists, "fraudsters": self.fraudsters, "quality": self.quality,
        }  # fmt: skip


@dataclass(frozen=True)
class SwapSet:
    """The swap set of two runs of one world, and what a lender with the first alone would infer.

    ``parts`` are unions of ``groups``, by `PARTS`: what the swap makes of the whole difference, and what the rest does.
    """

    a: str
    b: str
    bad_after: int
    groups: tuple[Group, ...]
    parts: tuple[Group, ...]
    inferred: tuple[Inferred, ...]
    notes: tuple[str, ...] = ()

    def group(self, name: str) -> Group:
        """Return a group by its name."""
        return next(group for group in (*self.groups, *self.parts) if group.name == name)

    def verdict(self) -> str:
        """Say in plain words what the swap brings, and how wrong the inference is."""
        swapped_in, swapped_out = self.group("DA"), self.group("AD")
        total = self.group("all")
        parts = [
            f"Of those who asked both, {self.b} takes in {swapped_in.n:,} whom {self.a} refuses, and refuses "
            f"{swapped_out.n:,} whom {self.a} takes."
        ]
        for group, lent, who in ((swapped_in, swapped_in.b, "taken in"), (swapped_out, swapped_out.a, "left out")):
            if group.n and lent.bad_rate is not None:
                parts.append(
                    f"Of those {who} {say('share', lent.bad_rate)} {say_interval('share', lent.bad_interval)} went bad "
                    f"({lent.n_bad:,} of {lent.n_known:,}); they brought {say('yuan', lent.profit)} "
                    f"{say_interval('yuan', lent.profit_interval)}."
                )
            elif group.n:
                parts.append(f"Of those {who} no outcome is known by the run's end.")
        told = ", ".join(f"{_amount(part)} {part.label}" for part in self.parts if part is not total and part.n)
        parts.append(f"Against {self.a}, {self.b} earns {_amount(total)} in all: {told}.")
        parts += [one.say(self.a) for one in self.inferred if one.method != METHODS[0]]
        return " ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, one object for JSON."""
        return {
            "rows": [group.row() for group in self.groups],
            "parts": [
                {"part": part.name, "label": part.label, "n": part.n, "profit_difference": part.profit_difference,
                 "low": part.interval.low, "high": part.interval.high}
                for part in self.parts
            ],
            "inferred": [one.row() for one in self.inferred],
            "summary": {"a": self.a, "b": self.b, "bad_after": self.bad_after, "verdict": self.verdict(),
                        "notes": list(self.notes)},
        }  # fmt: skip


def swap_set(
    run_a: Run,
    run_b: Run,
    lender_a: str | None = None,
    lender_b: str | None = None,
    *,
    names: tuple[str, str] = ("A", "B"),
    bad_after: int = BAD_AFTER,
    inference: Inference | None = None,
    copies: int | None = None,
) -> SwapSet:
    """Compare the decisions of two strategies, merchant by merchant.

    Parameters
    ----------
    run_a, run_b
        The same world and seed under the old strategy and the new; or the same run, for two of its lenders.
    lender_a, lender_b
        Whose decisions; the first lender of each run unless told.
    names
        What the two are called in words.
    bad_after
        Days past due from which a borrower counts as gone bad.
    inference
        How a lender infers the outcome of those it refused.
    copies
        How often merchants are drawn again for intervals.

    Raises
    ------
    StoreError
        When the worlds or seeds differ: the merchants would be others.
    ValueError
        When a run has no such lender.
    """
    _refuse_other_world(run_a, run_b)
    lenders = (_lender(run_a, lender_a), _lender(run_b, lender_b))
    sides = [accounts_with(run, own, bad_after=bad_after) for run, own in zip((run_a, run_b), lenders, strict=True)]
    first = [first_decisions(run, own) for run, own in zip((run_a, run_b), lenders, strict=True)]
    seed, merchants = int(run_a.manifest["seed"]), run_a.merchants
    is_there = merchants["entered"].to_numpy().astype("datetime64[D]") <= np.datetime64(run_a.days[1], "D")
    masks = {
        name: is_there & (first[0].decision == by_a) & (first[1].decision == by_b) for name, _, by_a, by_b in GROUPS
    }
    unions = {name: np.any([masks[one] for one in members], axis=0) for name, _, members in PARTS}
    groups, parts = (
        [_group(name, label.format(a=names[0], b=names[1]), who[name], sides, merchants, seed, start + place, copies)
         for place, (name, label) in enumerate(named)]
        for start, who, named in ((0, masks, [one[:2] for one in GROUPS]), (50, unions, [one[:2] for one in PARTS]))
    )  # fmt: skip
    refused = masks[SWAPPED_IN] & sides[1].is_known
    accepted = (first[0].decision == APPROVED) & sides[0].is_known
    found = infer(
        inference or Inference(), first[0].score[accepted], sides[0].is_bad[accepted], first[0].score[refused],
        sides[1].is_bad[refused], seed, copies,
    )  # fmt: skip
    notes = _notes(groups, *zip(names, sides, strict=True))
    return SwapSet(*names, bad_after, tuple(groups), tuple(parts), found, tuple(notes))


@dataclass(frozen=True)
class FirstDecisions:
    """A lender's first decision on every merchant of a run, (n,): `APPROVED`, `DECLINED` or `NEVER_ASKED`; its score.

    One that is approved and finds no money is approved: the policy said yes.
    """

    decision: NDArray[np.int8]
    score: NDArray[np.float64]


def first_decisions(run: Run, lender: str) -> FirstDecisions:
    """Return the first decisions of a lender, in the order of the table of merchants."""
    ids = run.table("merchants", ["merchant_id"])["merchant_id"].to_numpy()
    asked = run.table("applications", ["lender", "merchant_id", "decision", "score"]).to_pandas()
    asked = asked[asked["lender"] == lender].drop_duplicates("merchant_id")  # the table is in the order of dates
    place = np.searchsorted(ids, asked["merchant_id"].to_numpy())
    decision, score = np.full(ids.size, NEVER_ASKED, np.int8), np.full(ids.size, np.nan)
    decision[place] = np.where(asked["decision"].to_numpy() == "declined", DECLINED, APPROVED)
    score[place] = asked["score"].to_numpy(np.float64)
    return FirstDecisions(decision, score)


def _refuse_other_world(a: Run, b: Run) -> None:
    for what, said in (("world_hash", "worlds"), ("seed", "seeds")):
        if a.manifest.get(what) != b.manifest.get(what):
            raise StoreError(f"the two runs are of different {said}, so that their merchants differ: no swap set")
    if a.days != b.days:
        raise StoreError(f"one run ends on {a.days[1]}, the other on {b.days[1]}; a swap set needs the same days")


def _lender(run: Run, named: str | None) -> str:
    if not run.lenders:
        raise ValueError(f"{run.path or 'a run in memory'}: nobody lends in it")
    if named is not None and named not in run.lenders:
        raise ValueError(f"{run.path or 'a run in memory'}: no lender {named!r}; allowed: {', '.join(run.lenders)}")
    return named or run.lenders[0]


def _group(
    name: str, label: str, who: NDArray[np.bool_], sides: list[Accounts], merchants: Any, seed: int, number: int,
    copies: int | None,
) -> Group:  # fmt: skip
    a, b = (side.of(who) for side in sides)
    profits = np.column_stack([a.profit_fen, b.profit_fen])
    has_money = bool(a.borrows.any() or b.borrows.any())
    sums = resampled_sums(profits, seed, number, copies) / FEN_PER_YUAN if has_money else np.zeros((1, 2))
    n = int(who.sum())
    character, quality = merchants["integrity"].to_numpy()[who], merchants["quality"].to_numpy()[who]
    return Group(
        name, label, n, _lent(a, sums[:, 0]), _lent(b, sums[:, 1]),
        float((b.profit_fen.sum() - a.profit_fen.sum()) / FEN_PER_YUAN), of_copies(sums[:, 1] - sums[:, 0]),
        float((character == "opportunist").mean()) if n else None,
        float((character == "fraudster").mean()) if n else None,
        float(quality.mean()) if n else None,
    )  # fmt: skip


def _lent(own: Accounts, profits: NDArray[np.float64]) -> Lent:
    return Lent(
        int(own.borrows.sum()),
        float(own.lent_fen.sum() / FEN_PER_YUAN),
        int(own.is_known.sum()),
        int(own.is_bad.sum()),
        float(own.profit_fen.sum() / FEN_PER_YUAN),
        of_copies(profits),
    )


def _amount(group: Group) -> str:
    return f"{say('yuan', group.profit_difference, signed=True)} {say_interval('yuan', group.interval, signed=True)}"


def _notes(groups: list[Group], *sides: tuple[str, Accounts]) -> list[str]:
    notes = ["Money is of all loans of a merchant in the report window, also of later decisions than the first."]
    for name, side in sides:
        borrowers, known = int(side.borrows.sum()), int(side.is_known.sum())
        if known < borrowers:
            notes.append(f"{name}: of {borrowers:,} borrowers {known:,} have a loan whose outcome is known by the end.")
    if any(group.n for group in groups if group.name.startswith(("A_", "B_"))):
        notes.append("Who asked one lender alone did so because the strategies differ in more than whom they approve, "
                     "or because earlier decisions had changed the market by then.")  # fmt: skip
    return notes
