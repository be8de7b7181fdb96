"""``lendsim run``: one scenario, under one seed or under several."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.app import show
from sim.app.commands.ending import FAILED, Work, ending, refuse, say
from sim.app.commands.options import AsJson, Out, Overrides, Scale, ScenarioFile, Seed, Yes

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario
    from sim.results.run import Run
    from sim.study.runner import Job, Outcome

_LONG_SECONDS, _LARGE_BYTES = 60, 10**9
_NAMED = 5
_RESUMES = "the same command goes on with it"


def run(
    scenario: ScenarioFile,
    seed: Seed = 1,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", metavar="N", min=1, help="N worlds, from --seed on.", show_default=False),
    ] = None,
    scale: Scale = None,
    set_: Overrides = None,
    out: Out = None,
    as_json: AsJson = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.html.")] = False,
    checkpoint_every: Annotated[
        int | None,
        typer.Option("--checkpoint-every", metavar="DAYS", min=1, help="Save the run on its way.", show_default=False),
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", metavar="N", min=1, help="Compiled threads a run.", show_default=False)
    ] = None,
    yes: Yes = False,
) -> None:
    """Run a scenario and print its headline table.

    Results go to a folder (runs/NAME-HASH-seed-N unless --out names one). The same command prints a finished run again
    and goes on with an unfinished one.

    \b
    Example:  lendsim run scenarios/tiny.yaml --set lenders.ali.scoring.cutoff=0.7
    """
    with ending(_RESUMES) as work:
        from sim.engine.scenario import load

        loaded = load(scenario, overrides=set_ or (), scale=scale)
        for note in loaded.notes:
            say(f"note: {note}")
        from sim.core.draws import replication_seeds
        from sim.study.runner import Job

        folder = out if out is not None else _default_folder(loaded, None if seeds is not None else seed)
        name, report = scenario.stem, not no_report
        if seeds is None:
            _run_one(Job(name, loaded, seed, folder, threads, checkpoint_every, report), work, as_json, yes)
            return
        worlds = replication_seeds(seed, seeds)
        jobs = [Job(name, loaded, s, folder / f"seed-{s}", threads or 1, checkpoint_every, report) for s in worlds]
        _run_many(jobs, folder, work, as_json, yes)


def weigh(scenarios: Sequence[Scenario], n_runs: int, yes: bool) -> None:
    """Say what the runs will take where that is much; refuse what cannot fit into memory.

    Raises
    ------
    typer.Exit
        When one run alone needs more memory than there is, unless ``yes``.
    """
    from sim.engine.estimate import estimate
    from sim.study.runner import machine_memory

    estimates = [estimate(scenario) for scenario in scenarios]
    largest = max(estimates, key=lambda one: one.memory_bytes)
    seconds = sum(one.cpu_seconds for one in estimates) / len(estimates) * n_runs
    if seconds > _LONG_SECONDS or largest.memory_bytes > _LARGE_BYTES:
        say(largest.sentence + (f"; there are {n_runs} runs" if n_runs > 1 else ""))
    memory = machine_memory()
    if memory is not None and largest.memory_bytes > memory and not yes:
        raise refuse(
            f"a run needs {largest.memory_bytes / 1e9:,.1f} GB of memory and there are {memory / 1e9:,.1f} GB; "
            "make it smaller with --scale, or start it all the same with --yes"
        )


def _run_one(job: Job, work: Work, as_json: bool, yes: bool) -> None:
    from sim.study.runner import is_finished

    assert job.out is not None
    reused = is_finished(job.out)
    if not reused:
        weigh([job.scenario], 1, yes)
    from sim.engine.run import simulate

    started = time.monotonic()
    with show.day_progress(job.name, not reused) as shown:

        def tell(done: int, days: int, merchants: int) -> None:
            work.has_begun = True
            if shown is not None:
                shown(done, days, merchants)

        finished = simulate(
            job.scenario,
            seed=job.seed,
            out=job.out,
            threads=job.threads,
            checkpoint_every=job.checkpoint_every,
            progress=tell,
            report=job.report,
        )
    seconds = time.monotonic() - started
    page = job.out / "report.html"
    if as_json:
        show.print_json(_one_object(finished, job.out, page, seconds, reused))
        return
    show.print_headline(finished)
    print(f"\nRun:    {job.out}{' (finished before)' if reused else ''}")
    if page.exists():
        print(f"Report: {page}")


def _one_object(run: Run, folder: Path, page: Path, seconds: float, reused: bool) -> dict[str, Any]:
    about = {
        "folder": str(folder),
        "report": str(page) if page.exists() else None,
        "seconds": round(seconds, 3),
        "reused": reused,
    }
    found: dict[str, Any] = {"summary": run.summary}
    if run.lenders:
        found["rows"] = [
            {"lender": lender, **measures, "economics": run.economics[lender]}
            for lender, measures in run.summaries.items()
        ]
    return found | {"about_run": about}


def _run_many(jobs: Sequence[Job], folder: Path, work: Work, as_json: bool, yes: bool) -> None:
    from sim.study.runner import available_cores, refuse_used_folders, run_jobs, workers_that_fit
    from sim.study.stats import summarise

    refuse_used_folders(jobs)
    weigh([jobs[0].scenario], len(jobs), yes)
    work.has_begun = True
    started = time.monotonic()
    workers = workers_that_fit([jobs[0].scenario], max(1, available_cores() // (jobs[0].threads or 1)))
    with show.run_progress(jobs[0].name) as shown:
        outcomes = run_jobs(jobs, workers=workers, progress=shown)
    seconds = time.monotonic() - started
    measures = {outcome.seed: outcome.summary for outcome in outcomes if outcome.summary is not None}
    if measures:
        names = next(iter(measures.values()))
        spreads = {name: summarise([one.get(name) for one in measures.values()]) for name in names}
        if as_json:
            found = {
                "rows": [{"seed": seed, **one} for seed, one in measures.items()],
                "summary": {name: spread.mean for name, spread in spreads.items()},
                "intervals": {name: [spread.low, spread.high] for name, spread in spreads.items()},
            }
            show.print_json(found | {"about_run": _about_many(outcomes, folder, seconds)})
        else:
            show.print_seeds(outcomes, spreads)
            print(f"\nRuns:   {folder}")
    end_with_failures(outcomes)


def end_with_failures(outcomes: Sequence[Outcome]) -> None:
    """Say which runs failed, the first few by name; nothing is said and done when none did.

    Raises
    ------
    typer.Exit
        With status 1 when a run failed.
    """
    failed = [outcome for outcome in outcomes if outcome.has_failed]
    for outcome in failed[:_NAMED]:
        say(f"{outcome.name}, seed {outcome.seed}: {outcome.reason}")
    if len(failed) > _NAMED:
        say(f"... and {len(failed) - _NAMED} more of {len(outcomes)} runs failed")
    if failed:
        raise typer.Exit(FAILED)


def _about_many(outcomes: Sequence[Outcome], folder: Path, seconds: float) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "seconds": round(seconds, 3),
        "reused": [outcome.seed for outcome in outcomes if outcome.reused],
        "failed": [{"seed": one.seed, "error": one.reason} for one in outcomes if one.has_failed],
    }


def _default_folder(scenario: Scenario, seed: int | None) -> Path:
    """Return a folder named after all that makes a run this run: the same command finds it again, no other does."""
    from sim.engine.run import manifest_of
    from sim.results.store import KEY

    manifest = manifest_of(scenario, seed or 0)
    marks = json.dumps([manifest[part] for part in KEY if part != "seed"], sort_keys=True)
    name = f"{scenario.path.stem}-{hashlib.sha256(marks.encode()).hexdigest()[:8]}"
    return Path("runs") / (name if seed is None else f"{name}-seed-{seed}")
