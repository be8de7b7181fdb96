"""What can go wrong, and how it is said: every error names where it happened and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Issue:
    """One thing wrong with an input, at one place.

    Printed as ``file:line:column: field: problem; allowed; hint`` with the empty parts left out.
    """

    file: str
    line: int
    column: int
    field: str
    problem: str
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        said = "; ".join(part for part in (self.problem, self.allowed, self.hint) if part)
        return ": ".join(part for part in (place, self.field, said) if part)


class LendsimError(Exception):
    """The root of all errors that lendsim raises on purpose."""


class ScenarioError(LendsimError):
    """A scenario was refused. ``issues`` holds everything that is wrong with it."""

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.issues: tuple[Issue, ...] = tuple(issues)
        super().__init__("\n".join(str(issue) for issue in self.issues))


class PolicyError(LendsimError):
    """A policy cannot be loaded, breaks the protocol, or gave an answer that is no answer."""


class BooksError(LendsimError):
    """The books do not close: an identity is broken by at least one fen."""


class RuleError(LendsimError):
    """A lender would break a rule, and the scenario wants the run to stop then."""


class StoreError(LendsimError):
    """A run folder cannot be written, or cannot be trusted."""
