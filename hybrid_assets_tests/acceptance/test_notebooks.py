"""The notebooks run from top to bottom in a project as the quickstart leaves it, and hold no output.

No Jupyter is installed here: the code cells of each are executed in order in a fresh Python process, and the value of a
cell's last expression is printed as a notebook would show it. What only IPython understands would fail.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from hybrid_assets_tests.documents import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RUNNER = """
import ast, json, sys
names = {"__name__": "__main__"}
for number, cell in enumerate(json.load(open(sys.argv[1], encoding="utf-8"))["cells"]):
    if cell["cell_type"] != "code":
        continue
    tree = ast.parse("".join(cell["source"]), f"cell {number}")
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, f"cell {number}", "exec"), names)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
        assert value is not None and (not hasattr(value, "empty") or not value.empty), f"cell {number} shows nothing"
        print(f"cell {number}: {value!r}")
"""


def test_there_are_two():
    assert [path.name for path in NOTEBOOKS] == ["ask_one_question.ipynb", "explore_a_night.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_every_table_has_rows(path, own_project):
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-c", RUNNER, str(path)],
        cwd=own_project.folder,
        env=own_project.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_valid_and_holds_no_output(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in document["cells"]]
    assert len(set(ids)) == len(ids)
    code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
