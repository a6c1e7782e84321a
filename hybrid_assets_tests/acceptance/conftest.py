"""A project as the quickstart leaves it, which several tests look at."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import replace

import pytest

from hybrid_assets_tests.acceptance.following import Followed, follow, user_environment


@pytest.fixture(scope="session")
def first_hour(tmp_path_factory):
    """The project after following the quickstart: made once, whichever worker comes first. Only to be read."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "first-hour"
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        printed = place / "printed"
        if not printed.exists():
            shutil.rmtree(place / "new-user", ignore_errors=True)
            (place / "new-user").mkdir()
            printed.write_text(follow("quickstart.md", place / "new-user").printed)
    home = place / "new-user"
    return Followed(folder=home / "my-nights", env=user_environment(home), printed=printed.read_text())


@pytest.fixture
def own_project(first_hour, tmp_path):
    """A copy of it, to be changed."""
    folder = tmp_path / "my-nights"
    shutil.copytree(first_hour.folder, folder)
    return replace(first_hour, folder=folder)
