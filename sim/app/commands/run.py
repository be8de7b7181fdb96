"""``lendsim run``: one scenario, under one seed or under several."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.app import show
from sim.app.commands.ending import FAILED, REFUSED, ending, refuse, say
from sim.app.commands.options import AsJson, Out, Overrides, Scale, ScenarioFile, Seed, Yes

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario
    from sim.results.run import Run
    from sim.study.runner import Outcome

_LONG_SECONDS, _LARGE_BYTES = 60, 10**9
_RESUMES = "the same command goes on with it"


def run(
    scenario: ScenarioFile,
    seed: Seed = 1,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", metavar="N", min=1, help="N worlds: --seed and the N - 1 after it.", show_default=False),
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
    begun = [False]
    with ending(lambda: begun[0], _RESUMES):
        from sim.engine.scenario import load

        loaded = load(scenario, overrides=set_ or (), scale=scale)
        for note in loaded.notes:
            say(f"note: {note}")
        folder = out if out is not None else _default_folder(loaded, None if seeds is not None else seed)
        if seeds is None:
            _run_one(loaded, seed, folder, as_json, not no_report, checkpoint_every, threads, yes, begun)
        else:
            _run_many(loaded, seed, seeds, folder, as_json, not no_report, checkpoint_every, threads or 1, yes)


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
        say(largest.sentence + (f" There are {n_runs} runs." if n_runs > 1 else ""))
    memory = machine_memory()
    if memory is not None and largest.memory_bytes > memory and not yes:
        raise refuse(
            f"a run needs {largest.memory_bytes / 1e9:,.1f} GB of memory and there are {memory / 1e9:,.1f} GB; "
            "make it smaller with --scale, or start it all the same with --yes"
        )


def _run_one(
    scenario: Scenario,
    seed: int,
    folder: Path,
    as_json: bool,
    report: bool,
    checkpoint_every: int | None,
    threads: int | None,
    yes: bool,
    begun: list[bool],
) -> None:
    from sim.study.runner import is_finished

    reused = is_finished(folder)
    if not reused:
        weigh([scenario], 1, yes)
    from sim.engine.run import simulate

    started = time.monotonic()
    with show.day_progress(scenario.path.stem, not reused) as shown:

        def tell(done: int, days: int, merchants: int) -> None:
            begun[0] = True
            if shown is not None:
                shown(done, days, merchants)

        finished = simulate(
            scenario,
            seed=seed,
            out=folder,
            threads=threads,
            checkpoint_every=checkpoint_every,
            progress=tell,
            report=report,
        )
    seconds = time.monotonic() - started
    page = folder / "report.html"
    if as_json:
        show.print_json(_one_object(finished, folder, page, seconds, reused))
        return
    show.print_headline(finished)
    print(f"\nRun:    {folder}{' (finished before)' if reused else ''}")
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
    if len(run.summaries) > 1:
        found["rows"] = [{"lender": lender, **measures} for lender, measures in run.summaries.items()]
    return found | {"about_run": about}


def _run_many(
    scenario: Scenario,
    seed: int,
    seeds: int,
    folder: Path,
    as_json: bool,
    report: bool,
    checkpoint_every: int | None,
    threads: int,
    yes: bool,
) -> None:
    from sim.core.draws import replication_seeds
    from sim.study.runner import Job, available_cores, run_jobs, workers_that_fit
    from sim.study.stats import summarise

    name = scenario.path.stem
    jobs = [
        Job(name, scenario, one, folder / f"seed-{one}", threads, checkpoint_every, report)
        for one in replication_seeds(seed, seeds)
    ]
    weigh([scenario], len(jobs), yes)
    started = time.monotonic()
    workers = workers_that_fit([scenario], max(1, min(available_cores() // threads, len(jobs))))
    with show.run_progress(name) as shown:
        outcomes = run_jobs(jobs, workers=workers, progress=shown)
    seconds = time.monotonic() - started
    done = [outcome for outcome in outcomes if outcome.summary is not None]
    for outcome in outcomes:
        if outcome.failure is not None:
            say(f"seed {outcome.seed} failed: {outcome.reason}")
    if done:
        measures = [outcome.summary or {} for outcome in done]
        spreads = {key: summarise([one.get(key) for one in measures]) for key in measures[0]}
        if as_json:
            show.print_json(
                {
                    "rows": [{"seed": outcome.seed, **(outcome.summary or {})} for outcome in done],
                    "summary": {key: spread.mean for key, spread in spreads.items()},
                    "intervals": {key: [spread.low, spread.high] for key, spread in spreads.items()},
                    "about_run": _about_many(outcomes, folder, seconds),
                }
            )
        else:
            show.print_seeds(outcomes, spreads)
            print(f"\nRuns:   {folder}")
    if len(done) < len(outcomes):
        raise typer.Exit(_status_of_failures(outcomes))


def _about_many(outcomes: Sequence[Outcome], folder: Path, seconds: float) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "seconds": round(seconds, 3),
        "reused": [outcome.seed for outcome in outcomes if outcome.reused],
        "failed": [{"seed": one.seed, "error": one.reason} for one in outcomes if one.failure is not None],
    }


def _status_of_failures(outcomes: Sequence[Outcome]) -> int:
    """Return 2 when no run could begin because its folder or policy was refused, else 1."""
    failures = [outcome.failure for outcome in outcomes if outcome.failure is not None]
    refused = all("StoreError" in failure and "holds" in failure for failure in failures)
    return REFUSED if refused and len(failures) == len(outcomes) else FAILED


def _default_folder(scenario: Scenario, seed: int | None) -> Path:
    """Return a folder of the scenario's name and content, so that the same command finds its run again."""
    name = f"{scenario.path.stem}-{scenario.hash[:8]}"
    return Path("runs") / (name if seed is None else f"{name}-seed-{seed}")
