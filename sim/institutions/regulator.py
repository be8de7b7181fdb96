"""The regulator: tells lenders the rules of the day, and remembers what it had to answer (facts C.13, C.14)."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import mesa

from sim.institutions.dated_rules import LIFTED, RULES, Rules, ceiling, floor, rules_on

__all__ = ["LIFTED", "RULES", "Regulator", "Rules", "ceiling", "floor", "rules_on"]


class Regulator(mesa.Agent):  # type: ignore[misc]
    """Tells lenders the rules of the day, and keeps count of what it had to answer.

    Parameters
    ----------
    regulation : Regulation
        The block of the scenario.
    """

    def __init__(self, model: Any, regulation: Any) -> None:
        super().__init__(model)
        self.regulation = regulation
        self.answers: Counter[str] = Counter()  # "lender|what": loans refused or cut, days over a cap
        self.penalties: dict[str, tuple[str, int, int, int]] = {}  # "lender|product": day, rate, penalty rate, ceiling
        turns = {since for since, _ in RULES[regulation.rules]} | {one.date for one in regulation.changes.values()}
        self._turns = sorted(turns)
        self._known: dict[int, Rules] = {}

    @property
    def breach(self) -> str:
        """What a breach does: ``refuse``, ``clip`` or ``stop``."""
        return str(self.regulation.breach)

    def rules(self, today: date) -> Rules:
        """The rules of the day."""
        passed = sum(turn <= today for turn in self._turns)
        if passed not in self._known:
            self._known[passed] = rules_on(today, self.regulation.rules, self.regulation.changes.values())
        return self._known[passed]

    def note(self, lender: str, what: str, n: int) -> None:
        """Keep count of an answer."""
        if n:
            self.answers[f"{lender}|{what}"] += n

    def note_penalty(self, lender: str, product: str, today: date, rate: int, penalty: int, most: int) -> None:
        """Remember the first day on which a loan was signed whose penalty rate is above the ceiling; ppm a year."""
        if penalty > most:
            self.penalties.setdefault(f"{lender}|{product}", (today.isoformat(), rate, penalty, most))

    def notes(self) -> list[str]:
        """What a reader of the run should know."""
        told = []
        for key, n in sorted(self.answers.items()):
            lender, what = key.split("|")
            told.append(f"regulator: {lender}: {_SAID[what].format(n=n)}")
        for key, (since, *ppm) in sorted(self.penalties.items()):
            lender, product = key.split("|")
            rate, penalty, most = (f"{one / 10_000:g} %/year" for one in ppm)
            told.append(
                f"regulator: {lender}: {product}: from {since} on loans at {rate} are signed whose penalty rate of "
                f"{penalty} is above the ceiling of {most}; the ceiling binds contract rates alone"
            )
        return told


_SAID = {
    "rate_clipped": "the price of {n:,} loans was cut to the ceiling",
    "rate_refused": "{n:,} loans were refused, as their price was above the ceiling",
    "borrower_clipped": "{n:,} loans were cut to what one borrower may owe",
    "borrower_refused": "{n:,} loans were refused, as one borrower would have owed too much",
    "rate_raised": "the price of {n:,} loans was raised to the floor",
    "rate_too_low": "{n:,} loans were refused, as their price was below the floor",
    "leverage": "bank debt was held to the cap of the rules, below the lender's own",
    "securities": "an issue of securities was held back for {n:,} days, as it would have passed the cap",
    "over_leverage": "bank debt was above the cap on {n:,} days, as it was drawn before the cap or capital fell",
}
