"""Checks across keys: what each value allows alone, but not all of them together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from sim.core.quantities import describe
from sim.engine.inputs.layers import to_data
from sim.engine.inputs.refusals import Path, Report, tell
from sim.engine.inputs.resolved import DEFAULT
from sim.engine.inputs.splits import remarks_on_splits
from sim.engine.inputs.text import near
from sim.engine.reading import Node
from sim.engine.schema import EVENT_KEYS, LAST_DAY, MAX_DAYS, MAX_MERCHANTS, Calendar, Event, ScenarioModel
from sim.lenders.collection_terms import ladder_faults
from sim.lenders.desk_terms import WorkKind
from sim.lenders.parameters import LenderSpec

POLICY_KINDS = ("scoring", "limit", "pricing", "approval", "monitoring", "collection", "negotiation")


def check(report: Report, model: ScenarioModel, folder: FilePath) -> list[str]:
    """Note everything that does not fit together, and return remarks on what is legal but worth knowing.

    Parameters
    ----------
    model
        What is left of the scenario when everything refused before is left out.
    folder
        Where the modules of own policies are looked for.
    """
    notes: list[str] = []
    is_calendar_sound = _check_calendar(report, model.calendar)
    _check_merchants(report, model)
    for name, event in model.events.items():
        _check_event(report, model, name, event)
        if is_calendar_sound and not _overlaps(event.date, event.last, model.calendar):
            notes.append(f"event {name} on {event.date} lies outside the calendar and has no effect")
    # Policies are checked in the tree, so that a lender with another mistake is checked as well.
    lenders, _ = report.find(("lenders",))
    for name, _node in _items(lenders if lenders is not report.root else None):
        spec = model.lenders.get(name)
        for kind in POLICY_KINDS:
            _check_policy(report, ("lenders", name, kind), kind, spec, folder)
        if spec is not None:
            _check_lender(report, name, spec, folder)
            notes += _check_care(report, name, spec)
            notes += _remarks(name, spec, model.calendar if is_calendar_sound else None)
    notes += remarks_on_splits(model.lenders)
    return notes


def _items(node: Node | None) -> Iterator[tuple[str, Node]]:
    if node is not None and isinstance(node.value, dict):
        yield from ((key, inner) for key, inner in node.value.items() if inner.value is not None)


def _check_calendar(report: Report, calendar: Calendar) -> bool:
    """Return whether the first and the last day can be relied on."""
    start, days, end = ("calendar", "start"), ("calendar", "days"), ("calendar", "end")
    if report.is_broken(start, days, end):
        return False
    n_days = calendar.n_days
    if calendar.days is not None and calendar.end is not None:
        report.add(end, "days and end are both given", "write one of them", at_key=True)
        return False
    if n_days < 1:
        report.add(end, f"{calendar.end} is before the start, {calendar.start}", "allowed: the start or a later day")
        return False
    if n_days > MAX_DAYS:
        report.add(end, f"the calendar has {n_days:,} days", f"allowed: 1 to {MAX_DAYS:,} days")
        return False
    if calendar.last > LAST_DAY:
        report.add(days, f"the last day would be {calendar.last}", f"allowed: up to {LAST_DAY}")
        return False
    inside = f"allowed: {calendar.start} to {calendar.last}"
    report_from, report_to = ("calendar", "report_from"), ("calendar", "report_to")
    for path, day in ((report_from, calendar.report_from), (report_to, calendar.report_to)):
        if day is not None and not calendar.start <= day <= calendar.last:
            report.add(path, f"{day} lies outside the calendar", inside)
    if calendar.reported_to < calendar.reported_from and calendar.report_from and calendar.report_to:
        report.add(report_to, f"{calendar.report_to} is before report_from, {calendar.report_from}", inside)
    if calendar.run_off >= n_days:
        problem = f"{calendar.run_off} days without new loans leave none of {n_days:,} days"
        report.add(("calendar", "run_off"), problem, f"allowed: 0 to {n_days - 1:,}")
    return True


def _overlaps(first: date, last: date, calendar: Calendar) -> bool:
    return first <= calendar.last and last >= calendar.start


def _check_merchants(report: Report, model: ScenarioModel) -> None:
    merchants, number, scale = model.merchants, ("merchants", "number"), ("scale",)
    if not report.is_broken(number, scale):
        n = math.floor(merchants.number * model.scale + 0.5)
        if n > MAX_MERCHANTS:
            problem = f"{merchants.number:,} merchants times {model.scale:g} are {n:,}"
            report.add(scale, problem, f"allowed: at most {MAX_MERCHANTS:,}")
    if not report.is_broken(("merchants", "categories")):
        if not merchants.categories:
            report.add(("merchants", "categories"), "there is no category", "write at least one, with its share")
        elif sum(category.share for category in merchants.categories.values()) <= 0.0:
            report.add(("merchants", "categories"), "all shares are 0", "give at least one category a share")
    platform = model.institutions.platform
    if platform.taobao + platform.tmall > 1.0 + 1e-9:
        path = ("institutions", "platform", "tmall")
        report.add(path, f"taobao and tmall together are {platform.taobao + platform.tmall:g}", "allowed: at most 1")
    if merchants.orders is None:
        return
    orders, value = ("merchants", "orders"), ("merchants", "orders", "value")
    _check_file(report, (*orders, "file"), merchants.orders.file)
    given = merchants.orders.value
    if given.file is not None and given.amount is not None:
        report.add(value, "an amount and a file are both given", "write one of them")
    elif given.file is not None:
        _check_file(report, (*value, "file"), given.file)
    elif given.amount is None and not report.is_broken_below(value):
        report.add(
            value, "neither an amount nor a file", "write 25 yuan, or {file: F, merchant: COLUMN, value: COLUMN}"
        )


def _check_file(report: Report, path: Path, file: str) -> None:
    if report.is_broken(path):
        return
    if "\0" in file or not FilePath(file).is_file():
        what = "is a directory" if FilePath(file).is_dir() else "is not there"
        report.add(path, f"the file {file} {what}", "a path is relative to the scenario; in --set, to where you are")


def _check_event(report: Report, model: ScenarioModel, name: str, event: Event) -> None:
    path: Path = ("events", name)
    needed, free = EVENT_KEYS[event.kind]
    written = event.model_fields_set - {"date", "kind"}
    for key in needed:
        if key not in written and not report.is_broken((*path, key)):
            report.add((*path, key), "is missing", f"a {event.kind} needs {' and '.join(needed)}", at_key=True)
    for key in sorted(written):
        if key not in (*needed, *free):
            allowed = f"allowed: {', '.join(('date', 'kind', *needed, *free))}"
            report.add((*path, key), f"a {event.kind} has no {key}", allowed, at_key=True)
    categories = model.merchants.categories
    if event.category is not None and event.category not in categories and not report.is_broken(("merchants",)):
        allowed = f"allowed: {', '.join(categories)}"
        report.add(
            (*path, "category"), f"no category {describe(event.category)}", allowed, near(event.category, categories)
        )
    # A world without credit may keep the events that strike lenders: they strike nobody there.
    known, _ = report.find(("lenders",))
    lenders = [key for key, _ in _items(known if known is not report.root else None)]
    if event.lender is not None and lenders and event.lender not in lenders:
        allowed = f"allowed: {', '.join(lenders)}"
        report.add((*path, "lender"), f"no lender {describe(event.lender)}", allowed, near(event.lender, lenders))


def _check_policy(report: Report, path: Path, kind: str, spec: LenderSpec | None, folder: FilePath) -> None:
    """Check one policy block as it stands in the file, or its default."""
    node, n = report.find(path)
    group = LenderSpec.model_fields[kind].annotation
    own = [key for key in group.model_fields if key != "parameters"] if group is not None else []
    if spec is not None:
        block = getattr(spec, kind)
        policy, parameters = block.policy, dict(block.parameters)
    elif n == len(path) and isinstance(node.value, dict):
        name = node.value.get("policy")
        if name is None or not isinstance(name.value, str):
            return
        policy = name.value
        parameters = {key: to_data(inner) for key, inner in _items(node) if key not in own}
    else:
        return
    written = node.value.get("policy") if n == len(path) and isinstance(node.value, dict) else None
    for field, problem, allowed, hint in _policy_problems(kind, policy, parameters, folder):
        found, _ = report.find((*path, field))
        is_inherited = found.origin.label not in (report.top, "--set")
        if field in parameters and written is not None and found.origin != written.origin and is_inherited and not hint:
            hint = f"it comes from {found.origin.short}; write `{field}: null` to leave it out"
        elif field in parameters and not hint:
            hint = near(field, own)
        report.add((*path, field), problem, allowed, hint)


def _policy_problems(
    kind: str, policy: str, parameters: Mapping[str, Any], folder: FilePath
) -> list[tuple[str, str, str, str]]:
    from sim.lenders.policy import check_parameters  # numpy and the built-in policies: only when there is a lender

    return [tuple(problem) for problem in check_parameters(kind, policy, parameters, folder)]  # type: ignore[misc]


def _check_lender(report: Report, name: str, spec: LenderSpec, folder: FilePath) -> None:
    path: Path = ("lenders", name)
    for product_id, terms in spec.products.offered():
        here = (*path, "products", product_id)
        if terms.minimum > terms.maximum and not report.is_broken((*here, "minimum"), (*here, "maximum")):
            report.add((*here, "minimum"), "the smallest loan is larger than the largest", "lower it, or raise maximum")
    for keys, problem, allowed in _signal_faults(spec, folder):
        report.add((*path, *keys), problem, allowed)
    if report.is_broken((*path, "changes")):
        return
    now = spec
    for change_id, change in sorted(spec.changes.items(), key=lambda item: item[1].date):
        here = (*path, "changes", change_id, "set")
        if "changes" in change.set:
            report.add((*here, "changes"), "a change cannot change the changes", "give each its own name and date")
            continue
        try:
            changed = now.applying(change.set)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                tell(report, LenderSpec, detail, at=_setting(here, change.set, detail["loc"]))
            continue
        _check_agreements(report, here, change.set, now, changed)
        for keys, problem, allowed in _care_faults(changed):
            if (keys, problem, allowed) not in list(_care_faults(now)):
                report.add(_setting(here, change.set, keys), problem, allowed)
        for keys, problem, allowed in _signal_faults(changed, folder):
            if (keys, problem, allowed) not in list(_signal_faults(now, folder)):
                report.add(_setting(here, change.set, keys), problem, allowed)
        for kind in POLICY_KINDS:
            old, new = getattr(now, kind), getattr(changed, kind)
            if old == new:
                continue
            known = _policy_problems(kind, old.policy, old.parameters, folder)
            for found in _policy_problems(kind, new.policy, new.parameters, folder):
                if found not in known:
                    field, problem, allowed, hint = found
                    at = _setting(here, change.set, (kind, field))
                    report.add(at, problem, allowed, hint)
        now = changed


def _signal_faults(spec: LenderSpec, folder: FilePath) -> Iterator[tuple[Path, str, str]]:
    """Yield (keys inside the lender, problem, allowed) of policies that look at what the lender does not buy."""
    from sim.lenders.policy import DECIDING, signals_needed

    for kind in DECIDING:
        block = getattr(spec, kind)
        for name in signals_needed(kind, block.policy, block.parameters, folder):
            if name not in spec.signals:
                problem = f"the {kind} policy looks at {name}, which the lender does not buy"
                yield (kind, "policy"), problem, f"write signals: {{{name}: {{cost: 5 yuan}}}} for the lender"


def _check_care(report: Report, name: str, spec: LenderSpec) -> Iterator[str]:
    """Refuse what does not fit together after the payout; yield what is legal but should be known, with its line."""
    path: Path = ("lenders", name)
    if any(report.is_broken_below((*path, block)) for block in ("collection", "desk", "approval", "negotiation")):
        return
    for keys, problem, allowed in _care_faults(spec):
        found, _ = report.find((*path, *keys))
        if found.origin.label != DEFAULT:  # a default step comes before the write-off, whenever that is
            report.add((*path, *keys), problem, allowed)
    for one in ladder_faults(spec.collection.steps, spec.write_off_after):
        if not one.is_refused:
            node, _ = report.find((*path, "collection", "steps", one.step))
            yield f"{node.origin.label}:{node.line}: lender {name}: step {one.step}: {one.problem}; {one.allowed}"
    for kind in spec.desk.work if spec.desk else ():
        if kind not in _work_asked(spec):
            yield f"lender {name}: its desk does {kind}, and nothing in its policies asks for it"


def _care_faults(spec: LenderSpec) -> Iterator[tuple[Path, str, str]]:
    """Yield (keys inside the lender, problem, allowed) of a ladder, a desk or talks that do not fit together."""
    for one in ladder_faults(spec.collection.steps, spec.write_off_after):
        if one.is_refused:
            yield ("collection", "steps", one.step, one.key), f"step {one.step} {one.problem}", one.allowed
    if spec.negotiation.least_dpd > spec.negotiation.most_dpd:
        problem = f"nobody may ask: from {spec.negotiation.least_dpd} to {spec.negotiation.most_dpd} days past due"
        yield ("negotiation", "least_dpd"), problem, "lower it, or raise most_dpd"
    asked: list[WorkKind] = ["review"] if spec.approval.policy == "desk" else []
    if spec.desk is None:
        if asked:
            problem = "people decide, and the lender has no desk"
            yield ("approval", "policy"), problem, "write a desk with teams and work: review"
        return
    for found in spec.desk.problems(asked):
        yield ("desk", *found.field.split(".")), found.problem, "; ".join(filter(None, (found.allowed, found.hint)))


def _work_asked(spec: LenderSpec) -> set[str]:
    """Kinds of work that a lender's policies give to people."""
    asked = {"review", "site_visit"} if spec.approval.policy == "desk" else set()
    asked |= {"call"} if any(step.action == "call" for step in spec.collection.steps.values()) else set()
    return asked | ({"negotiation", "complaint"} if spec.negotiation.policy != "none" else set())


def _check_agreements(
    report: Report, here: Path, settings: Mapping[str, Any], now: LenderSpec, changed: LenderSpec
) -> None:
    """Refuse a change of what was agreed with a partner for the life of loans that are already lent."""
    old, new = (_fixed_terms(spec.joint_lending) for spec in (now, changed))
    if old == new:
        return
    key = next(key for key in (new or old) if old.get(key) != new.get(key))
    at = _setting(here, settings, ("joint_lending", key) if old and new else ("joint_lending",))
    if not old or not new:
        problem, allowed = "joint lending cannot begin or end on a date", "write it outside changes, from the start"
    else:
        problem, allowed = f"the {key} of joint lending cannot change on a date", f"allowed: {', '.join(_FEES)}"
    report.add(at, problem, allowed)


_FEES = ("servicing_fee", "fee_of_interest")  # what a partner pays from a day on, on all that it holds


def _fixed_terms(joint: Any) -> dict[str, Any]:
    return {} if joint is None else {key: value for key, value in joint if key not in _FEES}


def _setting(path: Path, settings: Mapping[str, Any], loc: tuple[str | int, ...]) -> Path:
    """Return where a change sets ``loc`` of the lender: a setting is a dotted path, and its value may be a mapping."""
    for key in settings:
        steps = tuple(key.split("."))
        if loc[: len(steps)] == steps or steps[: len(loc)] == loc:
            return (*path, key, *loc[len(steps) :])
    return (*path, *loc)


def _remarks(name: str, spec: LenderSpec, calendar: Calendar | None) -> Iterator[str]:
    if not any(True for _ in spec.products.offered()):
        yield f"lender {name} offers no product and will not lend"
    for change_id, change in spec.changes.items():
        if calendar is not None and change.date > calendar.last:
            yield f"change {change_id} of lender {name} on {change.date} lies after the calendar and has no effect"
