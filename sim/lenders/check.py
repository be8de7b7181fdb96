"""Check that a policy keeps its promises: ``lendsim check MODULE:CLASS`` and ``sim.check_policy``.

Every check gives at most one plain line that says what is wrong and what to mend. The merchants it is tried on are made
by formula, not drawn.
"""

from __future__ import annotations

import inspect
import pickle
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.core.merchants import View
from sim.errors import PolicyError
from sim.lenders.authoring import read_parameters
from sim.lenders.policy import (
    ANSWERING,
    KINDS,
    Answer,
    Context,
    Product,
    Refused,
    answer_faults,
    find_policy,
    load_class,
    needs_faults,
)
from sim.lenders.source_scan import forbidden_uses
from sim.lenders.trial_merchants import N_ORDINARY, Batch, extreme, ordinary

PRODUCTS = (
    Product("order_loan", 182_500, 365, 30),
    Product("revolving_line", 219_000, 365, 180),
    Product("fixed_loan", 180_000, 360, 365),
)


class Finding(NamedTuple):
    """One promise that is not kept: which check found it, what is wrong, what to mend."""

    check: str
    problem: str
    mend: str

    def __str__(self) -> str:
        return f"{self.check}: {self.problem}; {self.mend}"


class _Broken(Exception):
    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(str(finding))


@dataclass(frozen=True)
class _Trial:
    """A policy under test: how it is called, and what counts as an answer."""

    policy: Any
    kind: str
    fresh: Callable[[], Any]

    def run(self, batch: Batch, context: Context, check: str = "", policy: Any = None) -> Answer:
        """Call the policy on fresh copies and give a copy of its answer.

        A fault is reported under ``check`` where one is given, and else under the name of what is wrong.
        """
        columns = {name: column.copy() for name, column in batch.columns.items()}
        view = View(columns, self.policy.needs, batch.ids, 1, context.day)
        try:
            with np.errstate(all="ignore"):  # what comes of it is looked at below
                given = (policy or self.policy)(view, context)
        except Exception as error:
            raise _Broken(_why_raised(error, check)) from error
        if any(not np.array_equal(columns[name], batch.columns[name]) for name in columns):
            raise _Broken(_READ_ONLY)
        answer = given if isinstance(given, Answer) else Answer(given)
        for fault, problem, mend in answer_faults(self.policy, self.kind, answer, view.n, len(context.products)):
            raise _Broken(
                Finding(check or fault, problem if fault == check else f"{_WHERE.get(check, '')}{problem}", mend)
            )
        reasons = np.empty((view.n, 0), np.int8) if answer.reasons is None else answer.reasons.copy()
        return Answer(answer.values.copy(), reasons)


_READ_ONLY = Finding("read_only", "it writes to the columns of its view", "work on a copy: column.copy()")
_WHERE = {
    "empty": "for no merchants at all, ",
    "one_row": "for a single merchant, ",
    "extremes": "for extreme merchants (new, without sales, huge, very late), ",
    "products": "with another number of products, ",
}


def check_policy(
    target: str | type,
    kind: str | None = None,
    parameters: Mapping[str, object] | None = None,
    folder: Path | None = None,
) -> list[Finding]:
    """Check a policy against everything that the engine relies on.

    Parameters
    ----------
    target
        ``"module:Class"``, a class, or (with ``kind``) the id of a built-in.
    kind
        Of policy; by default the class attribute ``kind``.
    parameters
        As a scenario writes them; by default each parameter's own default.
    folder
        Where a module is looked for first.

    Returns
    -------
    list of Finding
        One for every promise that is not kept; empty for a policy that conforms.

    Raises
    ------
    PolicyError
        If there is nothing to check: no such module or class, or no known kind.
    """
    policy_class, kind = _find(target, kind, folder)
    values, problems = read_parameters(policy_class, parameters or {})
    if problems:
        return [
            Finding("parameters", str(problem), "give every parameter a default and legal values")
            for problem in problems
        ]

    def fresh() -> Any:
        return policy_class(**values)

    try:
        policy = fresh()
    except Exception as error:
        return [Finding("parameters", f"cannot be made: {error}", "let the constructor only store its parameters")]
    if kind not in ANSWERING:
        return []
    findings: dict[str, Finding] = {}
    for finding in [*_protocol(policy, kind)] or [*_source(policy_class), *_behaviour(_Trial(policy, kind, fresh))]:
        findings.setdefault(finding.check, finding)  # one line a check: mend the first, and the next comes to light
    return list(findings.values())


def _find(target: str | type, kind: str | None, folder: Path | None) -> tuple[type[Any], str]:
    try:
        if isinstance(target, type):
            found: type[Any] = target
        elif kind is not None and ":" not in target:
            found = find_policy(kind, target, folder)
        else:
            found = load_class(target, folder)
    except Refused as refused:
        raise PolicyError(f"{target}: {refused}") from None
    said = getattr(found, "kind", None)
    if kind is not None and said is not None and said != kind:
        raise PolicyError(f"{found.__name__} says kind = {said!r}, checked as {kind!r}")
    known = kind or said
    if known in KINDS and known not in ANSWERING and not found.__module__.startswith("sim.lenders.policies."):
        raise PolicyError(f"{found.__name__}: an own {known} policy is not yet available")
    if known not in KINDS:
        raise PolicyError(f"{found.__name__}: its kind is {known!r}; write kind = ... in the class: {', '.join(KINDS)}")
    return found, known


def _protocol(policy: Any, kind: str) -> Iterator[Finding]:
    try:
        inspect.signature(policy).bind(None, None)
    except (TypeError, ValueError):
        yield Finding(
            "protocol", "it cannot be called with a view and a context", "write __call__(self, view, context)"
        )
    for refused in needs_faults(kind, policy):
        yield Finding("needs", refused.problem, "; ".join(part for part in (refused.hint, refused.allowed) if part))
    names = getattr(policy, "reasons", ())
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        yield Finding("reasons", "`reasons` is no tuple of words", 'write reasons = ("young shop", ...)')


def _source(policy_class: type) -> Iterator[Finding]:
    for use in forbidden_uses(policy_class):
        if use.is_clock:
            yield Finding(
                "clock", f"line {use.line} reads the clock ({use.name})", "the only clock is context.date and .day"
            )
        else:
            yield Finding("randomness", f"line {use.line} draws by itself ({use.name})", "a coin is view.coin(k)")


def _behaviour(trial: _Trial) -> Iterator[Finding]:
    """Run the policy: first plainly, and if that stands, through every promise."""
    ranks_batch = bool(getattr(trial.policy, "ranks_batch", False))
    batch, context = ordinary(0), _context(4_383, "first")
    before, luck = _state_of(trial.policy), _luck()
    try:
        answer = trial.run(batch, context)
        again = trial.run(batch, context)
    except _Broken as broken:
        yield broken.finding
        return
    if not _equal(answer, again) or _luck() != luck:
        yield Finding("randomness", "the same question gets another answer, or luck is drawn", "a coin is view.coin(k)")
        return
    checks = [_empty, _one_row, _extremes, _products, _order, *([] if ranks_batch else [_permutation, _subset])]
    for check in checks:
        try:
            yield from check(trial, batch, context, answer)
        except _Broken as broken:
            yield broken.finding
    if _state_of(trial.policy) != before:
        yield Finding(
            "state", "a call changes the policy itself", "keep nothing between calls; compute in the constructor"
        )


def _empty(trial: _Trial, batch: Batch, context: Context, answer: Answer) -> Iterator[Finding]:
    trial.run(batch.rows(np.empty(0, np.int64)), context, "empty")
    yield from ()


def _one_row(trial: _Trial, batch: Batch, context: Context, answer: Answer) -> Iterator[Finding]:
    trial.run(batch.rows(np.array([3])), context, "one_row")
    yield from ()


def _extremes(trial: _Trial, batch: Batch, context: Context, answer: Answer) -> Iterator[Finding]:
    trial.run(extreme(), context, "extremes")
    yield from ()


def _products(trial: _Trial, batch: Batch, context: Context, answer: Answer) -> Iterator[Finding]:
    for products in (PRODUCTS[:1], PRODUCTS):
        trial.run(batch, replace(context, products=products), "products")
    yield from ()


def _order(trial: _Trial, batch: Batch, context: Context, answer: Answer) -> Iterator[Finding]:
    other, another = ordinary(1), _context(4_400, "second")
    later = trial.run(other, another, "order")
    same = _equal(trial.run(batch, context, "order"), answer)
    if not same or not _equal(trial.run(other, another, "order", trial.fresh()), later):
        yield Finding("order", "an answer depends on the calls before it", "answer from the view and the context alone")


def _permutation(trial: _Trial, batch: Batch, context: Context, answer: Answer) -> Iterator[Finding]:
    first = batch.columns[trial.policy.needs[0]] if trial.policy.needs else batch.ids
    backwards = np.arange(N_ORDINARY)[::-1]
    for rows in (backwards, np.argsort(first, kind="stable"), np.argsort(-first.astype(float), kind="stable")):
        if not _equal(trial.run(batch.rows(rows), context, "permutation"), answer, rows):
            mend = "answer for each merchant from its own columns, never from its place; or say ranks_batch = True"
            yield Finding("permutation", "the same merchants in another order get other answers", mend)
            return


def _subset(trial: _Trial, batch: Batch, context: Context, answer: Answer) -> Iterator[Finding]:
    everybody = np.arange(N_ORDINARY)
    for rows in (everybody[::3], everybody[: N_ORDINARY // 2], *everybody[5::50, None]):
        answered = trial.run(batch.rows(rows), context, "one_row" if rows.size == 1 else "subset")
        if not _equal(answered, answer, rows):
            mend = "use no mean, rank or maximum of the batch; or say ranks_batch = True"
            yield Finding("subset", "a merchant's answer depends on who else is asked about", mend)
            return


def _why_raised(error: Exception, check: str) -> Finding:
    said = str(error)
    if isinstance(error, PolicyError):
        return Finding("columns", said, "a policy sees what it declares, and only what a lender could see")
    if isinstance(error, ValueError) and ("read-only" in said or "WRITEABLE" in said):
        return _READ_ONLY
    line = error.__traceback__
    while line is not None and line.tb_next is not None:
        line = line.tb_next
    where = f" (line {line.tb_lineno})" if line is not None else ""
    problem = f"{_WHERE.get(check, '')}it raises {type(error).__name__}: {said}{where}"
    return Finding(check or "runs", problem, "answer for any merchants that the view may hold")


def _equal(found: Answer, expected: Answer, rows: npt.NDArray[np.int64] | slice = slice(None)) -> bool:
    if found.reasons is None or expected.reasons is None:
        return False
    return np.array_equal(found.values, expected.values[rows]) and np.array_equal(found.reasons, expected.reasons[rows])


def _luck() -> tuple[Any, ...]:
    """Give the state of the generators that everybody shares: read only, to see that a policy leaves them alone."""
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002
    return random.getstate(), name, np.asarray(keys).tobytes(), tuple(rest)


def _state_of(policy: Any) -> list[bytes]:
    """Freeze the data of a policy and of its class, as far as data can be frozen."""
    own = {name: getattr(policy, name, None) for name in getattr(policy, "__slots__", ())}
    own |= vars(policy) if hasattr(policy, "__dict__") else {}
    shared = {f"class.{name}": value for name, value in vars(type(policy)).items() if not name.startswith("__")}
    frozen = []
    for name, value in (own | shared).items():
        try:
            frozen.append(pickle.dumps((name, value)))
        except Exception:
            frozen.append(f"{name} {id(value)}".encode())
    return frozen


def _context(day: int, lender: str) -> Context:
    return Context(date.fromordinal(730_120 + day), day, lender, PRODUCTS[:2], 10**11, 10**8)
