"""The documentation is run: every block of shell or Python that a reader would copy, and every reference page.

A block that must not run here says why in a comment before it: ``<!-- not run: it installs lendsim -->``. The reference
pages of ``docs/`` are generated; ``python tests/test_docs.py`` (``make docs``) writes them again.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import sim
from sim.core.draws import STREAMS
from sim.core.merchants import DECIDED, OBSERVABLE
from sim.core.quantities import days_text, money_text
from sim.lenders.authoring import NO_DEFAULT, Parameter
from sim.lenders.policy import BUILT_IN, find_policy, parameters_of
from sim.results.metrics import BY_NAME

ROOT = Path(__file__).parents[1]
RUN_PAGES = ("README.md", "docs/tutorial.md", "docs/howto.md", "docs/studies.md")
PAGES = (*RUN_PAGES, "MODEL.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/validation.md")
MECHANISMS = "docs/mechanisms.md"
MOMENTS = "docs/moments.md"
FIT = "docs/fit.md"
VALIDATION = "docs/validation.md"  # written by experiments, section by section
SKIP = re.compile(r"<!-- not run: \S.* -->")
SECONDS = 300  # for one block, which may have to compile the kernels


class Block(NamedTuple):
    """A fenced block of a page: its language, the line it begins on, its text, and whether a comment keeps it back."""

    language: str
    line: int
    text: str
    is_skipped: bool


def blocks_of(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    lines, before = iter(enumerate(page.splitlines(), 1)), ""
    for number, line in lines:
        if line.startswith("```"):
            inside = []
            for _, text in lines:
                if text == "```":
                    break
                inside.append(text)
            yield Block(line[3:].strip(), number, "\n".join(inside) + "\n", bool(SKIP.fullmatch(before)))
        before = line or before


def run_page(text: str, folder: Path) -> tuple[int, str]:
    """Run the blocks of a page in ``folder``, one after the other; return how many ran, and what went wrong first."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    environment = os.environ | {"PATH": path, "MPLBACKEND": "agg"}
    count = 0
    for block in blocks_of(text):
        if block.language not in {"sh", "python"} or block.is_skipped:
            continue
        script = folder / f"block_{block.line}.{block.language}"
        script.write_text(block.text, encoding="utf-8")
        command = ["sh", "-eu", script.name] if block.language == "sh" else [sys.executable, script.name]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        count += 1
        if done.returncode:
            said = f"{done.stdout[-1500:]}{done.stderr[-1500:]}"
            return count, f"line {block.line}: exit status {done.returncode}\n{block.text}\n{said}"
    return count, ""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A copy of what a reader works with: scenarios and experiments, nothing that a run has left."""
    for name in ("scenarios", "experiments"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "runs"))
    return tmp_path


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN_PAGES)
def test_every_block_of_a_page_runs(page: str, desk: Path) -> None:
    count, problem = run_page(read(page), desk)
    assert not problem, f"{page}, {problem}"
    assert count >= 3


def test_a_block_that_fails_is_found(tmp_path: Path) -> None:
    page = "```sh\ntrue\n```\n\n<!-- not run: it fails -->\n```sh\nfalse\n```\n\n```python\nassert 1 == 2\n```\n"
    count, problem = run_page(page, tmp_path)
    assert count == 2
    assert problem.startswith("line 10: exit status 1")
    assert "AssertionError" in problem


def test_a_failing_command_ends_its_block(tmp_path: Path) -> None:
    assert run_page("```sh\nfalse\ntrue\n```\n", tmp_path)[1].startswith("line 1: exit status 1")


def test_a_block_is_only_kept_back_with_a_reason() -> None:
    page = "<!-- not run: -->\n```sh\ntrue\n```\n\n<!-- not run: slow -->\n\n```sh\ntrue\n```\n"
    assert [block.is_skipped for block in blocks_of(page)] == [False, True]


def test_every_page_of_docs_is_run_or_generated() -> None:
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    written = {page for page in RUN_PAGES if page.startswith("docs/")}
    assert pages == written | set(REFERENCE) | {MECHANISMS, MOMENTS, FIT, VALIDATION}


def test_the_page_of_mechanisms_has_a_row_for_every_switch() -> None:
    """It is measured, in minutes, by a script: what the script switches now stands there, and both sides can run."""
    sys.path.insert(0, str(ROOT / "experiments"))
    mechanisms = importlib.import_module("mechanisms")
    text = read(MECHANISMS)
    rows = re.findall(r"^\| ([^|]+?) \| `", text, re.MULTILINE)
    assert rows == [one.name for one in mechanisms.MECHANISMS]
    for one in mechanisms.MECHANISMS:
        for settings in (one.off, one.on):
            sim.load(ROOT / "scenarios" / f"{mechanisms.SCENARIO}.yaml", {**one.both, **settings})
        assert one.kind in ("found", "set", "fitted")
        assert {name for name in one.measures if name in BY_NAME} == set(one.measures)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)#]*)(?:#([\w-]+))?\)", read(page))
    assert page == "CHANGELOG.md" or targets
    for target, anchor in targets:
        assert "//" not in target, f"{page}: {target} is not in this repository"
        found = (ROOT / page).parent / target if target else ROOT / page
        assert found.exists(), f"{page}: {target}"
        if anchor:
            heads = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, (page, anchor)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])  # which tells of times gone by
def test_files_that_are_named_exist(page: str) -> None:
    named = re.findall(r"`((?:sim|tests|scenarios|experiments|docs)/[\w./*-]+)`", read(page))
    missing = [path for path in named if not any(ROOT.glob(path.rstrip("/")))]
    assert not missing, f"{page} names {', '.join(missing)}"


def test_readme_shows_every_scenario() -> None:
    shown = set(re.findall(r"^\| `(scenarios/\w+\.yaml)`", read("README.md"), re.MULTILINE))
    assert shown == {f"scenarios/{path.name}" for path in (ROOT / "scenarios").glob("*.yaml")}


def test_readme_names_what_a_run_leaves(desk: Path) -> None:
    shown = set(re.findall(r"^\| `([\w.]+)` \|", read("README.md"), re.MULTILINE))
    command = [str(Path(sys.executable).parent / "lendsim"), "run", "scenarios/tiny.yaml", "--out", "left"]
    subprocess.run([*command, "--set", "calendar.days=20"], cwd=desk, check=True, capture_output=True, timeout=SECONDS)
    assert shown == {path.name for path in (desk / "left").iterdir()}


def test_model_tables_every_stream_of_draws() -> None:
    tabled = re.findall(r"^\| `([a-z]+(?:\.[a-z_]+)?)` \| (\d+) \|", read("MODEL.md"), re.MULTILINE)
    assert {name: int(number) for name, number in tabled} == STREAMS


def test_model_speaks_of_every_rule_once() -> None:
    rules = re.findall(r"^\| (\d+) \|", read("MODEL.md"), re.MULTILINE)
    assert sorted(map(int, rules)) == list(range(1, 18))


# ------------------------------------------------------------------------------------------------- reference pages


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Write a table in Markdown."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def measures_page() -> str:
    """Write every measure with unit, formula and source."""
    from sim.results.metrics import MEASURES

    text = (
        "# Measures\n\nGenerated from `sim/results/metrics.py`. A measure has one name everywhere: in tables, JSON, "
        "summaries and comparisons. All are taken over the report window, one lender at a time; money is in yuan, "
        "shares are fractions of one, rates a year are on 365 days. What is undefined (nothing lent, no loan old "
        "enough) is null. A star marks measures that count matured loans only. Sources are explained in "
        "[MODEL.md](../MODEL.md#sources).\n"
    )
    for group in dict.fromkeys(measure.group for measure in MEASURES):
        rows = [
            (f"`{one.name}`{' *' if one.matured else ''}", one.label, one.unit, one.formula, one.source)
            for one in MEASURES if one.group == group
        ]  # fmt: skip
        text += f"\n## {group.capitalize()}\n\n{table(('name', 'meaning', 'unit', 'formula', 'source'), rows)}"
    from sim.results.economics.unit import PRODUCT_MEASURES

    text += (
        "\n## Unit economics, by product\n\nGenerated from `sim/results/economics/unit.py`; in `run.economics` by "
        "lender and product, under `economics` in the rows of `lendsim run --json`, and in the report. L is the mean "
        "loan, d its mean life, r its contract rate a day, f interest on funds a day, c its operating cost, p its "
        "chance of default, LGD the share of a balance in default that is lost. APR and internal rates of every loan: "
        "`sim.results.economics.returns.loan_returns(run, lender)`.\n\n"
    )
    rows = [(f"`{one.name}`", one.label, one.unit, one.formula, one.source) for one in PRODUCT_MEASURES]
    text += table(("name", "meaning", "unit", "formula", "source"), rows)
    from sim.study.figures import FIGURES, FIRST_INTEREST

    text += (
        "\n## Figures that targets name\n\nGenerated from `sim/study/figures.py`; beside the measures, for `lendsim "
        "targets`. What grows with the market is judged at full scale.\n\n"
    )
    figures = [(f"`{one.name}`", one.unit, "yes" if one.scales else "", one.formula) for one in FIGURES.values()]
    figures.append((f"`{FIRST_INTEREST}`", "date", "yes", "first day on which `amount` of interest accrues, whole run"))
    return text + table(("name", "unit", "grows with the market", "formula"), figures)


def columns_page() -> str:
    """Write every column that a policy may see."""
    text = (
        "# Columns that a policy may see\n\nGenerated from `sim/core/merchants.py`. A policy names those it looks at "
        "in `needs`; any other column is refused. One value a merchant, read-only.\n\n"
    )
    rows = [(f"`{one.name}`", one.dtype, one.unit, one.doc) for one in OBSERVABLE.values()]
    text += table(("column", "type", "unit", "meaning"), rows)
    later = [(f"`{one.name}`", one.dtype, one.unit, one.doc) for one in DECIDED.values()]
    text += (
        "\nMade by the steps before it in the same decision: `score` may be seen by limit, pricing and approval; there "
        "`limit_fen` is seen by pricing and approval as it was just decided, and by scoring and limit as it stands.\n\n"
    )
    return text + table(("column", "type", "unit", "meaning"), later)


KEY_HEADS = ("key", "default", "allowed", "unit", "meaning", "source")


def parameters_page() -> str:
    """Write every key of a scenario, and the parameters of the built-in policies."""
    from sim.engine.schema import json_schema

    schema = json_schema()
    text = (
        "# Keys of a scenario\n\nGenerated from the scenario model, as `lendsim schema` is. Every value has a unit, "
        'bounds, a default and a source; "assumption" says that nothing better is known. Sources are explained in '
        "[MODEL.md](../MODEL.md#sources). NAME stands for a name that the file chooses.\n"
    )
    for path, model in _groups(schema, "", schema["properties"]):
        rows = [_leaf(name, leaf) for name, leaf in model if "unit" in leaf and not _inner(leaf)]
        if rows:
            text += f"\n## {path or 'top level'}\n\n" + table(KEY_HEADS, rows)
    text += "\n# Parameters of the built-in policies\n\nWritten beside `policy` in the block of their kind.\n"
    for kind, policies in BUILT_IN.items():
        for name in policies:
            rows = [
                (f"`{one.name}`", _as_written(one), (one.bounds or ", ".join(one.choices)).removeprefix("allowed: "),
                 one.unit, one.doc, one.source)
                for one in parameters_of(find_policy(kind, name))
            ]  # fmt: skip
            if rows:
                text += f"\n## {kind}: {name}\n\n" + table(KEY_HEADS, rows)
    return text


def studies_page() -> str:
    """Write every key of a study file."""
    from sim.study.study_file import StudyFile

    schema = StudyFile.model_json_schema()
    text = (
        "# Keys of a study file\n\nGenerated from the model of study files; [studies.md](studies.md) says how to use "
        "them. NAME stands for a name that the file chooses.\n"
    )
    for path, model in _groups(schema, "", schema["properties"]):
        rows = [_leaf(name, leaf) for name, leaf in model if "unit" in leaf]
        text += f"\n## {path or 'top level'}\n\n" + table(KEY_HEADS, rows)
    return text


def _as_written(one: Parameter) -> str:
    """Give the default as a scenario writes it: the policy holds fen, ppm and days as plain numbers."""
    if one.default is NO_DEFAULT:
        return "required"
    if one.unit not in _WRITTEN:
        return _shown(one.default)
    return ", ".join(map(_WRITTEN[one.unit], one.default if isinstance(one.default, tuple) else (one.default,)))


_WRITTEN = {"fen": money_text, "days": days_text, "ppm a year": lambda ppm: f"{ppm / 10_000:g} %/year"}


def _inner(leaf: Mapping[str, Any]) -> list[str]:
    """Names of the models that stand inside a value."""
    inside = [leaf, *leaf.get("anyOf", ()), *leaf.get("patternProperties", {}).values()]
    inside.append(leaf.get("additionalProperties") or {})
    return [one["$ref"].rsplit("/", 1)[1] for one in inside if isinstance(one, Mapping) and "$ref" in one]


def _groups(schema: Mapping[str, Any], path: str, leaves: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield (dotted path, its keys) of a model and of all models inside it."""
    yield path, list(leaves.items())
    for name, leaf in leaves.items():
        is_mapping = "patternProperties" in leaf or isinstance(leaf.get("additionalProperties"), Mapping)
        for inner in _inner(leaf):
            below = f"{path}.{name}".lstrip(".") + (".NAME" if is_mapping else "")
            yield from _groups(schema, below, schema["$defs"][inner].get("properties", {}))


def _leaf(name: str, leaf: Mapping[str, Any]) -> tuple[str, ...]:
    inside = leaf["anyOf"][0] if "anyOf" in leaf else leaf
    options = inside.get("enum") or inside.get("items", {}).get("enum")
    bounds = [leaf.get(key, inside.get(key, leaf.get(other, inside.get(other)))) for key, other in
              (("low", "minimum"), ("high", "maximum"))]  # fmt: skip
    allowed = ", ".join(options) if options else " to ".join("" if one is None else str(one) for one in bounds)
    default = _shown(leaf.get("default")) if "default" in leaf or name == "extends" else "required"
    allowed = "" if allowed == " to " else allowed.strip()
    return f"`{name}`", default, allowed, leaf["unit"], leaf["description"], leaf["source"]


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or value == {} else str(value)


REFERENCE = {
    "docs/reference-measures.md": measures_page,
    "docs/reference-parameters.md": parameters_page,
    "docs/reference-columns.md": columns_page,
    "docs/reference-studies.md": studies_page,
}


@pytest.mark.parametrize("page", REFERENCE)
def test_reference_pages_say_what_the_code_says(page: str) -> None:
    assert read(page) == REFERENCE[page](), f"{page} is not what the code says; write it again with: make docs"


if __name__ == "__main__":
    for reference, write in REFERENCE.items():
        (ROOT / reference).write_text(write(), encoding="utf-8")
        print(reference)
