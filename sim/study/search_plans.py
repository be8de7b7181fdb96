"""Plans of searches: what a study file of kind ``calibrate`` or ``optimise`` asks for, and its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sim.errors import Issue, ScenarioError

if TYPE_CHECKING:
    from sim.engine.scenario import Scenario
    from sim.study.calibration import Calibration
    from sim.study.findings import Findings, Measured
    from sim.study.lab import Lab
    from sim.study.optimum import Optimisation
    from sim.study.plan import Plan
    from sim.study.runner import Task
    from sim.study.search import Point
    from sim.study.targets import Targets


def task_of(plan: Plan) -> tuple[Task | None, str]:
    """What the laboratory of a search measures runs by, and its mark; (None, "") where measures of a run suffice.

    Raises
    ------
    ScenarioError
        When targets, objectives or constraints are refused.
    """
    from sim.study.distance import target_task
    from sim.study.objectives import policy_task, read_all

    if plan.file.kind == "calibrate":
        return target_task(_targets(plan))
    with _placed(plan):
        return policy_task(*read_all(plan.file.objectives, plan.file.constraints), plan.file.lender)


def search(plan: Plan, lab: Lab, **options: Any) -> Calibration | Optimisation:
    """Carry out the search of a plan in a laboratory that measures by `task_of`.

    Parameters
    ----------
    options
        Of `sim.study.calibrate.calibrate` or `sim.study.optimise.optimise`, beyond what a study file says.

    Raises
    ------
    ScenarioError
        When what the plan asks for is refused.
    """
    from sim.study.calibrate import calibrate
    from sim.study.optimise import optimise
    from sim.study.search_runs import evaluate_with

    file, settings = plan.file, _settings(plan)

    def load_point(point: Point) -> Scenario:
        from sim.engine.scenario import load

        return load(plan.base.path, {**settings, **point})

    with _placed(plan):
        said: dict[str, Any] = {
            "seeds": plan.seeds,
            "trials": file.trials,
            "seed": file.first_seed,
            "scenario": plan.base.path,
            "settings": settings,
            **options,
        }
        if file.kind == "calibrate":
            evaluate = evaluate_with(lab, load_point)
            return calibrate(evaluate, plan.factors, _targets(plan), held_out=file.fresh, **said)
        evaluate = evaluate_with(lab, load_point, file.lender)
        return optimise(evaluate, plan.factors, file.objectives, file.constraints, fresh=file.fresh, **said)


def answer(plan: Plan, lab: Lab) -> tuple[Measured, Findings]:
    """Answer a plan as every kind of study does; a search has no points of a design."""
    from sim.study.findings import Measured

    return Measured((), plan.seeds, {}, plan.file.lender), search(plan, lab).findings()


def _targets(plan: Plan) -> Targets:
    from sim.study.targets import read_targets

    if plan.file.targets is None:
        problem, allowed = "a calibration needs a file of targets", "as in targets: targets.yaml"
        raise ScenarioError([Issue(str(plan.path), 1, 1, "targets", problem, allowed)])
    found = read_targets(plan.path.parent / plan.file.targets)
    if plan.file.lender is not None:
        found = found.model_copy(update={"lender": plan.file.lender})
    return found


def _settings(plan: Plan) -> Mapping[str, Any]:
    """What is laid over every run, by dotted key."""
    scale = plan.file.scale
    return {**plan.file.set, **({} if scale is None else {"scale": scale})}


@contextmanager
def _placed(plan: Plan) -> Iterator[None]:
    """Say of what a search refuses in which file and key it stands."""
    try:
        yield
    except ValueError as error:
        key, colon, problem = str(error).partition(": ")
        place = (str(plan.path), 1, 1)
        raise ScenarioError([Issue(*place, key if colon else "", problem if colon else str(error))]) from None
