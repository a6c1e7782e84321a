"""The program the parent starts: `PYTHON -I -X utf8 worker.py MEMORY_LIMIT_BYTES` (0: no limit).

Loads this folder as the package ``outside``, since the other environment cannot have hybrid_assets installed, and
serves requests on standard input. Put what has to happen before any import here, nothing else.
"""

from __future__ import annotations

import importlib.util
import resource
import sys
from pathlib import Path


def _load_package() -> None:
    folder = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        "outside", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} is no package.")
    package = importlib.util.module_from_spec(spec)
    sys.modules["outside"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    limit_bytes = int(sys.argv[1])
    if limit_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    _load_package()
    importlib.import_module("outside.serving").serve()
