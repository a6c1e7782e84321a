"""The Dagster instance of a project: its home, its settings file and the limits of its pools."""

import shutil
from pathlib import Path

import dagster as dg

from hybrid_assets.settings import Settings

#: Beside `workspace.yaml`; copied into the Dagster home, where Dagster wants it.
INSTANCE_FILE = "dagster.yaml"


def dagster_home(settings: Settings) -> Path:
    """Return the project's DAGSTER_HOME, made and configured where it is missing or out of date."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    wanted, present = settings.folder / INSTANCE_FILE, home / INSTANCE_FILE
    if wanted.is_file() and (not present.is_file() or present.read_bytes() != wanted.read_bytes()):
        shutil.copyfile(wanted, present)
    return home


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Open the project's Dagster instance with its pool limits set."""
    instance = dg.DagsterInstance.from_config(str(dagster_home(settings)))
    set_pool_limits(instance, settings)
    return instance


def set_pool_limits(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Set the limit of each backend's pool to its slots: Dagster keeps limits in its database, not in a file."""
    storage = instance.event_log_storage
    present = {info.name: info.limit for info in storage.get_pool_limits()}
    for backend, common in settings.backends.items():
        if present.get(f"qpu_{backend}") != common.slots:
            storage.set_concurrency_slots(f"qpu_{backend}", common.slots)
