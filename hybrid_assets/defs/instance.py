"""The Dagster instance of a project: its home, its settings file and the limits of its pools."""

import fcntl
import os
import shutil
import socket
from pathlib import Path

import dagster as dg

from hybrid_assets.settings import Settings

#: Beside `workspace.yaml`; copied into the Dagster home, where Dagster wants it.
INSTANCE_FILE = "dagster.yaml"
#: In the Dagster home; held while its databases are made or migrated.
LOCK_FILE = ".opening"
#: Tag of a run: the process that executes it.
PROCESS_TAG = "hybrid_assets/process"


def dagster_home(settings: Settings) -> Path:
    """Return the project's DAGSTER_HOME, made and configured where it is missing or out of date."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    wanted, present = settings.folder / INSTANCE_FILE, home / INSTANCE_FILE
    if wanted.is_file() and (not present.is_file() or present.read_bytes() != wanted.read_bytes()):
        shutil.copyfile(wanted, present)
    return home


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Open the project's Dagster instance with its pool limits set.

    One process at a time: two that make the same new database at once leave it damaged for good.
    """
    home = dagster_home(settings)
    with (home / LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        instance = dg.DagsterInstance.from_config(str(home))
        set_pool_limits(instance, settings)
    return instance


def process_tag(pid: int | None = None) -> str:
    """Return what names a process (by default this one) for good: its host, its number, and when that number began."""
    number = os.getpid() if pid is None else pid
    return f"{socket.gethostname()}:{number}:{_began(number)}"


def end_dead_runs(instance: dg.DagsterInstance) -> None:
    """Mark runs as failed whose process on this host is gone: nobody else would, and they would seem to go on."""
    started = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    for run in started:
        host, _, process = run.tags.get(PROCESS_TAG, "").partition(":")
        if host == socket.gethostname() and process_tag(int(process.partition(":")[0])) != run.tags[PROCESS_TAG]:
            instance.report_run_failed(run, "Its process is gone. What it had begun is in the ledger.")


def _began(pid: int) -> str:
    """Return when a process began, as its host tells it; "gone" where there is none of that number."""
    try:
        # Its name, in parentheses, may hold anything; what follows is separated by blanks.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return "gone"


def pool_of(backend: str) -> str:
    """Return the name of the pool that limits the steps which use a backend at once."""
    return f"qpu_{backend}"


def set_pool_limits(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Set the limit of each backend's pool to its slots: Dagster keeps limits in its database, not in a file."""
    storage = instance.event_log_storage
    present = {info.name: info.limit for info in storage.get_pool_limits()}
    for backend, common in settings.backends.items():
        if present.get(pool_of(backend)) != common.slots:
            storage.set_concurrency_slots(pool_of(backend), common.slots)


def fill_pools(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Give steps that wait for a pool the slots that are free.

    Dagster gives a slot away when it is freed. A step that joined the queue just then, while the slot was still taken
    in its eyes, is passed over; where it is the last one, it would wait until its run is ended for its age.
    """
    storage = instance.event_log_storage
    for backend in settings.backends:
        pool = storage.get_concurrency_info(pool_of(backend))
        passed_over = min(pool.slot_count - pool.assigned_step_count, pool.pending_step_count)
        # Every storage that Dagster ships has it; their base class does not say so.
        storage.assign_pending_steps([pool.concurrency_key] * passed_over)  # type: ignore[attr-defined]
