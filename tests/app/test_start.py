"""The command itself: it starts fast, shows what it can do and nothing that it cannot."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import sim
from sim.app.cli import app
from sim.app.show import print_json

COMMANDS = [
    "run",
    "compare",
    "study",
    "sweep",
    "calibrate",
    "optimise",
    "check",
    "schema",
    "new",
    "schedule",
    "report",
    "export",
    "explain",
    "moments",
    "fit",
    "targets",
    "swap", "challenger", "sample-size", "bench",
    "version",
]
HEAVY = ("numba", "pandas", "pyarrow", "matplotlib", "mesa", "scipy", "rich", "simpy")


def start(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_help_loads_nothing_heavy() -> None:
    loaded = start(
        "import sys\nfrom sim.app.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sys.modules)"
    )
    assert "Usage: " in loaded
    modules = set(loaded.split("LOADED", 1)[1].split())
    assert modules.isdisjoint({*HEAVY, "numpy", "pydantic"})


def test_checking_a_scenario_loads_nothing_heavy() -> None:
    loaded = start(
        "import sys\nfrom sim.app.cli import app\n"
        "try:\n    app(['check', 'nowhere.yaml'])\nexcept SystemExit as end:\n    print(end.code)\n"
        "print('LOADED', *sys.modules)"
    )
    assert loaded.startswith("2\n")
    assert set(loaded.split("LOADED", 1)[1].split()).isdisjoint(HEAVY)


def test_every_command_is_shown_with_an_example() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    listed = [line.split()[0] for line in shown.split("Commands:")[1].splitlines() if line.strip()]
    assert listed == COMMANDS
    assert "..." not in shown.split("Commands:")[1]
    for command in COMMANDS:
        said = CliRunner().invoke(app, [command, "--help"])
        assert said.exit_code == 0
        assert f"Example:  lendsim {command}" in said.stdout


def test_version() -> None:
    for words in (["version"], ["--version"]):
        done = CliRunner().invoke(app, words)
        assert (done.exit_code, done.stdout) == (0, f"lendsim {sim.__version__}\n")


def test_an_unknown_command_is_refused() -> None:
    done = CliRunner().invoke(app, ["expalin"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "No such command 'expalin'. Did you mean 'explain'?" in done.stderr


def test_json_has_no_nan_and_no_numpy(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("nan"), "b": np.float64("inf"), "c": np.int64(3), "d": [np.float32(0.5), None, True, "x"]})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": None, "c": 3, "d": [0.5, None, True, "x"]}
