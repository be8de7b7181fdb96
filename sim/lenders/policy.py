"""Policies: what one is, which there are, how one is loaded, and how its answer is checked.

A policy is any class. Its constructor takes its parameters (:func:`parameter`), ``needs`` names the observable columns
it looks at, and a call ``policy(view, context)`` answers for all merchants of the view at once. It sees only what a
lender could see, draws nothing, remembers nothing, and answers for a merchant the same in any company and any order
(unless it says ``ranks_batch = True``). ``lendsim check`` tests all of this.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from sim.core.merchants import OBSERVABLE, SIGNALS, View
from sim.core.money import MAX_PPM_YEAR
from sim.core.schedules import TREATMENTS
from sim.errors import PolicyError
from sim.lenders.authoring import (
    Parameter,
    Problem,
    Refused,
    did_you_mean,
    load_class,
    parameter,
    parameters_of,
    read_parameters,
    source_file,
)

__all__ = [
    "BUILT_IN", "KINDS", "NOT_YET", "Answer", "Context", "Parameter", "Policy", "Problem", "Product", "Refused",
    "answer_faults", "check_parameters", "columns_for", "decide", "find_policy", "load_class", "load_policy",
    "needs_faults", "parameter", "parameters_of", "source_file", "tiles",
]  # fmt: skip

# Every kind of policy, with the ids that are built in.
BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "scoring": {
        "points": "sim.lenders.policies.scoring:Points",
        "rules": "sim.lenders.policies.scoring:Rules",
    },
    "limit": {
        "sales_multiple": "sim.lenders.policies.limits:SalesMultiple",
        "tiers": "sim.lenders.policies.limits:Tiers",
    },
    "pricing": {
        "flat": "sim.lenders.policies.pricing:Flat",
        "tiers": "sim.lenders.policies.pricing:Tiers",
        "risk_based": "sim.lenders.policies.pricing:RiskBased",
    },
    "approval": {
        "automatic": "sim.lenders.policies.approval:Automatic",
        "desk": "sim.lenders.policies.approval:AtDesk",
    },
    "monitoring": {
        "none": "sim.lenders.policies.monitoring:NoMonitoring",
        "signals": "sim.lenders.policies.monitoring:Signals",
    },
    "collection": {"ladder": "sim.lenders.policies.collection:Ladder"},
    "negotiation": {
        "none": "sim.lenders.policies.negotiation:NoNegotiation",
        "slow": "sim.lenders.policies.negotiation:Slow",
        "fast": "sim.lenders.policies.negotiation:Fast",
        "personalised": "sim.lenders.policies.negotiation:Personalised",
        "early": "sim.lenders.policies.negotiation:Early",
    },
}
KINDS: tuple[str, ...] = tuple(BUILT_IN)
NOT_YET: Mapping[str, tuple[str, ...]] = {"approval": ("desk",)}
# What monitoring may say of a borrower, the mildest first.
WARNINGS = ("", "advise", "cut", "recall", "misuse", "wash")
# Kinds that decide an application, and all that answer for merchants; the other is a ladder that the engine reads.
DECIDING = ("scoring", "limit", "pricing", "approval")
ANSWERING = (*DECIDING, "monitoring", "negotiation")
# What a kind may see of the same decision, beside OBSERVABLE: the steps before it.
SEES: Mapping[str, tuple[str, ...]] = {
    "limit": ("score",),
    "pricing": ("score", "limit_fen"),
    "approval": ("score", "limit_fen"),
    "monitoring": ("loan_days", "balance_fen", "traced_share"),
    "negotiation": ("loan_days", "balance_fen", "due_fen", "days_past_due"),
}
TILE = 16_384  # rows whose working columns stay in the processor's cache


class Product(NamedTuple):
    """A product on offer: its list price in ppm a year, the days of that year (365 or 360), and its term in days."""

    id: str
    rate_ppm_year: int
    basis: int
    term_days: int


@dataclass(frozen=True)
class Context:
    """What is the same for all merchants of a decision: day, lender, products, and the lender's money in fen.

    ``explain`` is false where nobody reads reasons, as when all merchants are reviewed: a policy may leave them out.
    """

    date: date
    day: int
    lender: str
    products: tuple[Product, ...]
    funds_fen: int
    joint_cap_fen: int
    explain: bool = True


@dataclass(frozen=True, eq=False)
class Answer:
    """What a policy answers.

    Parameters
    ----------
    values : ndarray
        Scoring: probability of staying good, float (n,), 0 to 1. Limit: whole fen, int64 (n,). Pricing: ppm a year,
        int64 (n, products). Approval: bool (n,). Monitoring: positions in WARNINGS, int8 (n,). Negotiation: positions
        in TREATMENTS, int8 (n,), 0 where nothing is offered.
    reasons : ndarray of int8 (n, r), optional
        Positions in the policy's ``reasons``, the weightiest first, -1 for none.
    """

    values: npt.NDArray[Any]
    reasons: npt.NDArray[Any] | None = None


class Policy(Protocol):
    """A policy that answers: scoring, limit, pricing or approval. No base class is needed."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the columns it looks at."""

    def __call__(self, view: View, context: Context) -> Answer | npt.NDArray[Any]:
        """Answer for every merchant of the view."""


class _Form(NamedTuple):
    kinds: str  # numpy's letters for the allowed dtypes
    dtype: str
    low: int
    high: int
    words: str


_FORMS: Mapping[str, _Form] = {
    "scoring": _Form("f", "float64", 0, 1, "floats from 0 to 1"),
    "limit": _Form("iu", "int64", 0, 10**14, "whole fen from 0, int64: .astype(np.int64)"),
    "pricing": _Form("iu", "int64", 0, MAX_PPM_YEAR, "ppm a year from 0, int64: .astype(np.int64)"),
    "approval": _Form("b", "bool", 0, 1, "True or False, dtype bool"),
    "monitoring": _Form("iu", "int8", 0, len(WARNINGS) - 1, "positions in WARNINGS, int8"),
    "negotiation": _Form("iu", "int8", 0, len(TREATMENTS) - 2, "positions in TREATMENTS, int8, no sale"),
}


def tiles(n: int, size: int = TILE) -> Iterator[slice]:
    """Give slices that cover ``n`` rows; working tile by tile keeps intermediate columns in the cache."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def columns_for(kind: str) -> tuple[str, ...]:
    """Name every column that a policy of this kind may declare in ``needs``."""
    seen = [name for name in OBSERVABLE if kind in DECIDING or name not in SIGNALS]
    return (*seen, *(name for name in SEES.get(kind, ()) if name not in OBSERVABLE))


def find_policy(kind: str, policy: str, folder: Path | None = None) -> type[Any]:
    """Give the class of a built-in id or of a ``module:Class``.

    A module is looked for as a file in ``folder``, its ``experiments``, the folder above and its ``experiments``, then
    in the same way from the working directory, and last as an importable module.

    Raises
    ------
    Refused
        If there is no such kind, id, module or class, or the class is a policy of another kind.
    """
    if kind not in BUILT_IN:
        raise Refused(f"{kind!r} is no kind of policy", f"allowed: {', '.join(KINDS)}", did_you_mean(kind, KINDS))
    built_in = BUILT_IN[kind]
    allowed = f"allowed: {', '.join(built_in)}" + (", module:Class" if kind in ANSWERING else "")
    if policy in built_in:
        module_name, class_name = built_in[policy].split(":")
        found: type[Any] = getattr(importlib.import_module(module_name), class_name)
        return found
    if policy in NOT_YET.get(kind, ()):
        raise Refused(f"{kind} policy {policy!r} is not yet available", allowed)
    if not isinstance(policy, str) or ":" not in policy:
        raise Refused(f"no {kind} policy {str(policy)[:60]!r}", allowed, did_you_mean(policy, built_in))
    if kind not in ANSWERING:
        raise Refused(f"an own {kind} policy is not yet available", allowed)
    found = load_class(policy, folder)
    said = getattr(found, "kind", kind)
    if said != kind:
        raise Refused(f"{policy} is a {said} policy, used for {kind}", allowed)
    return found


def check_parameters(
    kind: str, policy: str, parameters: Mapping[str, object], folder: Path | None = None
) -> list[Problem]:
    """Find everything wrong with a policy block of a scenario, at once.

    Returns
    -------
    list of Problem
        Tuples (field, problem, allowed, hint); ``field`` is ``policy`` or a parameter's name. Empty if all is well.
    """
    return _make(kind, policy, parameters, folder)[1]


def load_policy(
    kind: str, policy: str, parameters: Mapping[str, object] | None = None, folder: Path | None = None
) -> Any:
    """Make the policy that a scenario names, with the parameters it writes.

    Raises
    ------
    PolicyError
        With everything that is wrong, one line each.
    """
    made, problems = _make(kind, policy, parameters or {}, folder)
    if problems:
        raise PolicyError("\n".join(f"{kind} policy {policy}: {problem}" for problem in problems))
    return made


def needs_faults(kind: str, policy: Any) -> list[Refused]:
    """Find what is wrong with the ``needs`` of a policy: a form that is no tuple of names, or unknown columns."""
    needs = getattr(policy, "needs", None)
    if not isinstance(needs, tuple) or not all(isinstance(name, str) for name in needs):
        return [Refused("`needs` is missing or no tuple of names", 'write needs = ("tenure_days", ...)')]
    known = columns_for(kind)
    return [
        Refused(f"`needs` names {name!r}, which no {kind} policy may see", f"allowed: {', '.join(known)}", hint)
        for name in needs
        if name not in known
        for hint in [did_you_mean(name, known)]
    ]


def signals_needed(kind: str, policy: str, parameters: Mapping[str, object], folder: Path | None = None) -> list[str]:
    """Name the signals that a policy looks at, which its lender must buy; none if the policy cannot be made."""
    made, _ = _make(kind, policy, parameters, folder)
    return [name for name in getattr(made, "needs", ()) if name in SIGNALS]


def decide(policy: Any, kind: str, view: View, context: Context) -> Answer:
    """Ask a policy, and check its answer.

    Returns
    -------
    Answer
        ``values`` in the dtype of its kind, ``reasons`` always an int8 array (n, r), with r = 0 if none are given.

    Raises
    ------
    PolicyError
        If the policy raises, or its answer has a wrong shape, dtype or size: naming policy, lender and day.
    """
    try:
        given = policy(view, context)
    except Exception as error:
        said = str(error) if isinstance(error, PolicyError) else f"{type(error).__name__}: {error}"
        raise PolicyError(f"{_label(policy, kind, context)}: {said}") from error
    answer = given if isinstance(given, Answer) else Answer(given)
    for _, problem, mend in answer_faults(policy, kind, answer, view.n, len(context.products)):
        raise PolicyError(f"{_label(policy, kind, context)}: {problem}; {mend}")
    values = answer.values.astype(_FORMS[kind].dtype, copy=False)
    if answer.reasons is None:
        return Answer(values, np.empty((view.n, 0), np.int8))
    return Answer(values, answer.reasons.astype(np.int8, copy=False))


def _label(policy: Any, kind: str, context: Context) -> str:
    return f"{kind} policy {type(policy).__qualname__}, lender {context.lender}, {context.date}"


def answer_faults(policy: Any, kind: str, answer: Answer, n: int, n_products: int) -> Iterator[tuple[str, str, str]]:
    """Give what is wrong with an answer as (check, problem, how to mend it), the plainest first."""
    values, form = answer.values, _FORMS[kind]
    shape = (n, n_products) if kind == "pricing" else (n,)
    if not isinstance(values, np.ndarray):
        yield "shape", f"the answer is of type {type(values).__name__}", f"return an array of shape {shape}"
        return
    if values.shape != shape:
        yield "shape", f"the answer has the shape {values.shape}, not {shape}", "answer once for every merchant"
        return
    if values.dtype.kind not in form.kinds:
        yield "dtype", f"the answer has the dtype {values.dtype}", f"return {form.words}"
        return
    if values.size and form.kinds != "b":
        least, most = values.min(), values.max()  # both are NaN if any value is
        if form.kinds == "f" and not (np.isfinite(least) and np.isfinite(most)):
            yield "finite", "the answer is not finite (NaN or infinite)", "guard divisions: np.maximum(x, 1.0)"
        elif least < form.low or most > form.high:
            yield "bounds", f"the answer runs from {least} to {most}", f"return {form.words}"
    if answer.reasons is not None:
        yield from _reason_faults(policy, answer.reasons, n)


def _reason_faults(policy: Any, reasons: Any, n: int) -> Iterator[tuple[str, str, str]]:
    names = getattr(policy, "reasons", ())
    is_array = isinstance(reasons, np.ndarray) and reasons.dtype.kind == "i"
    if not is_array or reasons.ndim != 2 or reasons.shape[0] != n:
        yield "reasons", "the reasons are no int8 array of shape (n, r)", "return Answer(values, reasons)"
    elif reasons.size and not (reasons.min() >= -1 and reasons.max() < len(names)):
        mend = "give positions in the class's tuple `reasons`, -1 for none"
        yield "reasons", f"the reasons run from {reasons.min()} to {reasons.max()}, with {len(names)} named", mend


def _make(kind: str, policy: str, parameters: Mapping[str, object], folder: Path | None) -> tuple[Any, list[Problem]]:
    try:
        policy_class = find_policy(kind, policy, folder)
    except Refused as refused:
        return None, [refused.at("policy")]
    values, problems = read_parameters(policy_class, parameters)
    if problems:
        return None, problems
    try:
        made = policy_class(**values)
    except Exception as error:  # a policy may refuse a combination: "name: what is wrong"
        name, _, said = str(error).partition(": ")
        is_named = name in {one.name for one in parameters_of(policy_class)}
        return None, [Problem(name, said) if is_named else Problem("policy", f"cannot be made: {error}")]
    if kind in ANSWERING:
        problems = [refused.at("policy") for refused in needs_faults(kind, made)]
        if not callable(made):
            problems.append(Problem("policy", "cannot be called", "write def __call__(self, view, context)"))
    return made, problems
