"""Rules of the house that no other tool checks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import hybrid_assets

PACKAGE = Path(hybrid_assets.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
FUTURE = re.compile(r"^from __future__ import annotations", re.MULTILINE)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def test_a_file_stays_readable(file):
    assert len(file.read_text().splitlines()) <= 400


def test_dagster_modules_keep_their_annotations():
    """Dagster reads annotations at run time; everywhere else they must cost nothing."""
    edge = {f for f in FILES if f.parent.name == "defs" or f.name == "definitions.py"}
    assert [f.name for f in edge if FUTURE.search(f.read_text())] == []
    code = [f for f in FILES if f not in edge and re.search(r"^(import|from) ", f.read_text(), re.MULTILINE)]
    allowed = {"__init__.py"}
    assert [
        f.relative_to(PACKAGE).as_posix() for f in code if not FUTURE.search(f.read_text()) and f.name not in allowed
    ] == []


def test_nothing_is_unpickled():
    forbidden = re.compile(r"^\s*(import|from) (pickle|dill|cloudpickle|joblib)|allow_pickle=True", re.MULTILINE)
    assert [f.name for f in FILES if forbidden.search(f.read_text())] == []


def imported_by(code):
    script = f"import sys\n{code}\nprint(*sorted(m for m in sys.modules if '.' not in m))"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import hybrid_assets.cli.main as m\nassert m._run(['--help']) == 0", id="help"),
        pytest.param("import hybrid_assets.settings, hybrid_assets.registry", id="settings"),
    ],
)
def test_help_and_settings_answer_without_heavy_imports(code):
    heavy = {"dagster", "qiskit", "qiskit_aer", "pandas", "sklearn", "scipy", "duckdb", "pyarrow", "numpy", "rich"}
    if "settings" in code:
        heavy -= {"numpy"}  # the records of the protocols name arrays
    assert imported_by(code) & heavy == set()


def test_all_layers_below_the_edge_import_without_dagster():
    code = "import hybrid_assets.runner.executing, hybrid_assets.runner.comparing, hybrid_assets.storage.snapshot"
    assert imported_by(code) & {"dagster", "qiskit_aer", "qiskit_ibm_runtime", "duckdb"} == set()
