"""The floors of the house, and what may be imported where: declarations and the facade stay light."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {
    "numba", "llvmlite", "mesa", "pandas", "matplotlib", "pyarrow", "scipy", "duckdb", "networkx", "simpy", "jinja2",
    "pyxirr", "typer", "rich",
}  # fmt: skip


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter in ``folder`` on the package that lies there."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def copied_house(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "sim", tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_layers_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "forbidden"),
    [("world/cash.py", "sim.lenders.policy"), ("core/draws.py", "sim.world.season"), ("engine/books.py", "sim.app")],
)
def test_an_import_up_the_house_or_across_it_is_found(copied_house: Path, file: str, forbidden: str) -> None:
    with (copied_house / "sim" / file).open("a") as source:
        source.write(f"\nimport {forbidden}\n")
    done = lint(copied_house)
    assert done.returncode == 1
    assert forbidden in done.stdout


def loaded_by(module: str) -> set[str]:
    """Top-level packages outside the standard library that a fresh interpreter holds after one import."""
    program = f"import sys; before = set(sys.modules); import {module}; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    names = {name.partition(".")[0] for name in done.stdout.split()}
    return {name for name in names if name not in sys.stdlib_module_names and not name.startswith("_")} - {"sim"}


@pytest.mark.parametrize("module", ["sim", "sim.errors", "sim.core.money", "sim.core.clock"])
def test_the_facade_and_the_plainest_modules_load_nothing(module: str) -> None:
    assert loaded_by(module) == set()


@pytest.mark.parametrize(
    "module",
    [
        "sim.core.quantities", "sim.world.parameters", "sim.lenders.parameters", "sim.lenders.policy",
        "sim.lenders.check", "sim.lenders.policies.scoring", "sim.lenders.policies.limits",
        "sim.lenders.policies.pricing", "sim.lenders.policies.collection", "sim.engine.schema", "sim.engine.scenario",
    ],
)  # fmt: skip
def test_declarations_load_nothing_heavy(module: str) -> None:
    assert loaded_by(module) & HEAVY == set()


def test_the_heavy_list_can_catch_something() -> None:
    assert {"numba", "llvmlite"} <= loaded_by("sim.core.draws")


def test_the_facade_finds_its_names_when_they_are_used() -> None:
    import sim

    assert callable(sim.load)
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        _ = sim.laod
