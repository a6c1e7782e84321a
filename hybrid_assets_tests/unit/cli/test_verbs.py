"""The table of verbs: every entry is a command that helps at once."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from hybrid_assets.cli.main import VERBS, _run


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_a_command_with_examples_and_the_help_of_the_table(verb, capsys):
    command = importlib.import_module(f"hybrid_assets.cli.{verb}").command
    assert command.short_help == VERBS[verb]
    assert _run([verb, "--help"]) == 0
    assert f"hybrid-assets {verb}" in capsys.readouterr().out


def test_help_needs_nothing_heavy():
    """Stores, SQL, Dagster and quantum SDKs are imported when a verb runs; a night's two need tables in any case."""
    verbs = [verb for verb in VERBS if verb not in {"demo", "run"}]
    calls = "".join(f"assert m._run([{verb!r}, '--help']) == 0\n" for verb in verbs)
    script = f"import sys, hybrid_assets.cli.main as m\n{calls}print(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {
        "dagster",
        "qiskit",
        "qiskit_aer",
        "pandas",
        "sklearn",
        "scipy",
        "duckdb",
        "pyarrow",
        "sqlalchemy",
        "numpy",
    }
    assert set(done.stdout.splitlines()[-1].split()) & heavy == set()
