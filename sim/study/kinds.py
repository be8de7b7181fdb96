"""What each kind of study does with its runs."""

from __future__ import annotations

from collections.abc import Callable

from sim.study.findings import Findings, Measured, Picture, Sheet
from sim.study.lab import Lab
from sim.study.plan import Plan
from sim.study.study_checks import SEARCHES

BUDGET = 200
Answer = Callable[[Plan, Lab], tuple[Measured, Findings]]


def measure_points(plan: Plan, lab: Lab) -> Measured:
    """Run every point of a plan in every world."""
    outcomes = lab.measure(plan.scenarios, plan.seeds)
    return Measured(tuple(plan.scenarios), plan.seeds, outcomes, plan.file.lender)


def _analysed(analyse: Callable[[Plan, Measured], Findings]) -> Answer:
    def answer(plan: Plan, lab: Lab) -> tuple[Measured, Findings]:
        measured = measure_points(plan, lab)
        return measured, analyse(plan, measured)

    return answer


def answer_of(plan: Plan) -> Answer:
    """What answers a plan of its kind."""
    if plan.file.kind == "compare":
        return _compare
    if plan.file.kind in SEARCHES:
        from sim.study.search_plans import answer

        return answer
    from sim.study import frontier, sensitivity, sweep

    return _analysed({"sweep": sweep, "sensitivity": sensitivity, "frontier": frontier}[plan.file.kind].analyse)


def _compare(plan: Plan, lab: Lab) -> tuple[Measured, Findings]:
    """Compare the arms of a plan, in further worlds where it says until when."""
    from sim.results.headline import say
    from sim.results.metrics import BY_NAME
    from sim.study.compare import MEASURES, compare
    from sim.study.wording import say_difference, say_interval

    file = plan.file
    found = compare(
        dict(plan.scenarios), plan.seeds, lender=file.lender, measures=tuple(file.measures) or MEASURES,
        until=file.until, best=file.best, budget=file.budget or BUDGET, different_worlds=True, lab=lab,
    )  # fmt: skip
    outcomes = {(outcome.name, outcome.seed): outcome for outcome in found.outcomes}
    says = f"differences of {', '.join(found.arms[1:])} from {found.arms[0]} with 95 % intervals"
    heads = ("arm", "measure", found.arms[0], "the arm", "difference", "95 % interval", "correlation", "runs saved")
    lines = []
    for one in found.contrasts:
        measure, paired = BY_NAME[one.measure], one.paired
        told = "" if paired.correlation is None else f"{paired.correlation:.3f}"
        saved = "" if one.n_runs_saved is None else f"{one.n_runs_saved:,}"
        ends = say_difference(measure, paired), say_interval(measure, paired)
        lines.append((one.b, one.measure, say(measure, paired.mean_a), say(measure, paired.mean_b), *ends, told, saved))
    more = {name: value for name, value in found.as_dict()["summary"].items() if name in ("best", "until")}
    measured = Measured(found.arms, found.seeds, outcomes, file.lender)
    sentences = (*found.verdict().split("\n\n"), *found.notes)
    sheet = Sheet(heads, tuple(lines), tuple(range(2, len(heads))))
    return measured, Findings(found.rows, sentences, {"differences": Picture(found.plot(), says)}, more, sheet=sheet)
