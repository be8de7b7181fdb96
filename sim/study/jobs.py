"""A job is one scenario under one seed; whoever carries it out gives back its outcome, or what stopped it.

A job never passes for another: one that would be carried out by other code than the study began with (a worker that
started after an edit, a machine of a cluster with another version, a policy file changed on the way) fails.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import LendsimError, StoreError
from sim.study.stats import Value

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario

Measures = Mapping[str, Value]


@dataclass(frozen=True)
class Job:
    """One run to be done: a scenario under a seed, and the folder that keeps it (None: nothing is kept)."""

    name: str
    scenario: Scenario
    seed: int
    out: Path | None = None
    threads: int | None = 1
    checkpoint_every: int | None = None
    report: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its measures, or what stopped it.

    Attributes
    ----------
    summary, summaries
        The measures of the first lender and those of each; None and empty for a run that failed.
    reason, failure
        What went wrong in words, and the whole traceback; both empty for a run that went well.
    seconds
        Time the job took where it was carried out; left out when outcomes are compared.
    is_of_other_code
        The job was met by other code than the study began with, and did not begin.
    """

    name: str
    seed: int
    summary: Measures | None
    summaries: Mapping[str, Measures]
    reason: str = ""
    failure: str = ""
    reused: bool = False
    path: Path | None = None
    seconds: float = field(default=0.0, compare=False)
    is_of_other_code: bool = False

    @property
    def has_failed(self) -> bool:
        """True when there are no measures."""
        return self.summary is None


class OtherCodeError(StoreError):
    """A job was met by other code than the study began with."""


Task = Callable[[Job], Outcome]
Settle = Callable[[int, Outcome], None]


@dataclass(frozen=True)
class Code:
    """What carries out a job: the version of lendsim, and the hash of each user policy of the scenario."""

    version: str
    plug_ins: Mapping[str, str] = field(default_factory=dict)


def codes_of(jobs: Sequence[Job]) -> list[Code]:
    """Return the code that each job is to be carried out by: what this process would use."""
    from sim.results.manifest import code_version

    version, known = code_version(), dict[int, Code]()
    for job in jobs:
        if id(job.scenario) not in known:
            known[id(job.scenario)] = Code(version, _plug_ins(job))
    return [known[id(job.scenario)] for job in jobs]


def attempt(task: Task, job: Job, code: Code | None = None) -> Outcome:
    """Carry out a job; whatever it raises becomes part of the outcome, as text (not every error can be pickled).

    Parameters
    ----------
    code
        What the study began with; a job that is met by other code fails.
    """
    begun = time.monotonic()
    try:
        if code is not None:
            _refuse_other_version(code)
        outcome = task(job)
        if code is not None and code.plug_ins:
            _refuse_other_plug_ins(code, job)
    except (Exception, SystemExit) as error:  # a policy that calls sys.exit() ends its own run only
        outcome = failed(job, error)
    return replace(outcome, seconds=time.monotonic() - begun)


def failed(job: Job, error: BaseException) -> Outcome:
    """Return the outcome of a job that an error stopped."""
    reason = str(error) if isinstance(error, LendsimError) else f"{type(error).__name__}: {error}"
    told = "".join(traceback.format_exception(error))
    is_other = isinstance(error, OtherCodeError)
    return Outcome(job.name, job.seed, None, {}, reason, told, path=job.out, is_of_other_code=is_other)


def lost(job: Job, reason: str) -> Outcome:
    """Return the outcome of a job whose worker died of it: there is no traceback to tell."""
    return Outcome(job.name, job.seed, None, {}, reason, reason, path=job.out)


def _plug_ins(job: Job) -> Mapping[str, str]:
    from sim.lenders.policy import ANSWERING

    if job.scenario is None:  # a task that looks at no scenario
        return {}
    lenders = job.scenario.lenders.values()
    versions = [spec for lender in lenders for _, spec in lender.versions()]
    if not any(":" in getattr(spec, kind).policy for spec in versions for kind in ANSWERING):
        return {}
    from sim.lenders.plugins import plug_in_hashes

    return plug_in_hashes(lenders, job.scenario.folder)


def _refuse_other_version(code: Code) -> None:
    from sim.results.manifest import code_version

    if code_version() != code.version:
        raise OtherCodeError(
            f"the worker has lendsim {code_version()}, the study began with {code.version}: "
            "the code was changed on the way; begin again"
        )


def _refuse_other_plug_ins(code: Code, job: Job) -> None:
    """After the run, when its policies are loaded: a file edited before that has another hash now."""
    now = _plug_ins(job)
    changed = sorted(name for name, kept in code.plug_ins.items() if now.get(name) != kept)
    if changed:
        raise OtherCodeError(f"the policy {changed[0]} was changed while the study ran; begin again")
