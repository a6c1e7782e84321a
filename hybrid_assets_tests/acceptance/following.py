"""Following a page of the documentation: its files are written, its commands are run, in their order, in one shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hybrid_assets_tests.acceptance.projects import environment
from hybrid_assets_tests.documents import DOCS, blocks, commands_of

#: What ``pip install .`` of a page is here: the same, without network and beside the environment.
INSTALL = "uv pip install --quiet --python python --no-deps --no-build-isolation --target site ."
_END = "HYBRID_ASSETS_END_OF_FILE"


@dataclass(frozen=True, kw_only=True)
class Followed:
    """Where following a page has led."""

    folder: Path
    env: dict[str, str]
    #: Everything that was printed.
    printed: str

    def sql(self, query):
        """Return the rows of a query in the folder's project."""
        words = ["hybrid-assets", "sql", query, "--json"]
        done = subprocess.run(words, cwd=self.folder, env=self.env, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


def user_environment(folder):
    """Return the environment of somebody who has activated ours, with a place for packages of their own."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**environment(), "PATH": path, "PYTHONPATH": str(folder / "site"), "UV_OFFLINE": "1"}


def follow(page, folder):
    """Follow a page from a folder; blocks that have a name are files, named ``console`` blocks are left out."""
    lines = ["set -euo pipefail"]
    for block in blocks(DOCS / page):
        if block.language == "console" and not block.name:
            for command in commands_of(block):
                lines += [f"echo '$' {json.dumps(command)}", INSTALL if command == "pip install ." else command]
        elif block.name and block.language not in {"console", "text"}:
            lines += [f"cat > {block.name} <<'{_END}'", block.text + _END]
    lines.append("echo; pwd")
    env = user_environment(folder)
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)], cwd=folder, env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{page}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return Followed(folder=Path(done.stdout.splitlines()[-1]), env=env, printed=done.stdout)
