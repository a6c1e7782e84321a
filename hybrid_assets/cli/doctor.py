"""`doctor`: everything that can be wrong before a night, found before the night."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hybrid_assets.errors import ConfigurationError, HybridAssetsError, ProblemError
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hybrid_assets.runner.project import Project


@click.command(short_help="Check settings, plug-ins, inputs, backends and state.")
@click.option("--quarantine", is_flag=True, help="Set damaged data files aside.")
@click.pass_obj
def command(obj: dict[str, str | None], *, quarantine: bool) -> int:
    r"""Check settings, plug-ins, inputs, backends, the warehouse and the pool limits (which are set on the way).

    \b
    Example:
      hybrid-assets doctor
    """
    from hybrid_assets.runner.project import Project  # noqa: PLC0415 - imports the stores

    settings = load_settings(obj["config"])
    click.echo(f"ok    settings: {settings.file}")
    project = Project.open(settings)
    code = 0
    for name, look in _examinations(project, quarantine=quarantine):
        try:
            click.echo(f"ok    {name}: {look()}")
        except HybridAssetsError as exc:
            code = max(code, exc.exit_code)
            click.echo(f"WRONG {name}: {exc}")
    return code


def _examinations(project: Project, *, quarantine: bool) -> Iterator[tuple[str, Callable[[], str]]]:
    for workload in project.settings.workloads:
        yield f"workload {workload}", lambda workload=workload: _inputs(project, workload)  # type: ignore[misc]
    for backend in project.settings.backends:
        yield f"backend {backend}", lambda backend=backend: _backend(project, backend)  # type: ignore[misc]
    yield "baselines", _baselines
    yield "warehouse", lambda: _warehouse(project, quarantine=quarantine)
    yield "dagster", lambda: _dagster(project)


def _inputs(project: Project, workload: str) -> str:
    plugin, options, _ = project.workload(workload)
    files = project.settings.input_files(workload)
    refused = []
    for file, source in files:
        try:
            plugin.load(file, source=source, options=options)
        except ProblemError as exc:
            refused.append(str(exc))
    if refused:
        listed = "".join(f"\n      {refusal}" for refusal in refused)
        raise ConfigurationError(f"{len(refused)} of {len(files)} inputs would be refused.{listed}")
    return f"{len(files)} inputs"


def _backend(project: Project, backend: str) -> str:
    provider = project.provider(backend)
    status, target = provider.status(), provider.target()
    if not status.operational:
        raise ConfigurationError(f"not operational: {status.message}")
    width = "any number of" if target.num_qubits is None else target.num_qubits
    return f"{provider.describe().provider}, {width} qubits, calibration {target.calibration_id[:12]}, {status.message}"


def _baselines() -> str:
    from hybrid_assets import registry  # noqa: PLC0415 - with the verb

    return ", ".join(registry.baseline(name).name for name in registry.names("baseline"))


def _warehouse(project: Project, *, quarantine: bool) -> str:
    from hybrid_assets.storage import repair  # noqa: PLC0415 - with the verb
    from hybrid_assets.storage.snapshot import publish_snapshot  # noqa: PLC0415 - imports duckdb

    broken = repair.doctor(project.home)
    if broken and quarantine:
        repair.quarantine(project.home, broken)
        return f"{len(broken)} damaged files set aside; materialize their partitions again"
    if broken:
        listed = " ".join(f"{file.path}: {file.reason}." for file in broken[:5])
        raise ConfigurationError(f"{len(broken)} damaged files. {listed} Set them aside with --quarantine.")
    return str(publish_snapshot(project.home))


def _dagster(project: Project) -> str:
    from hybrid_assets.defs.instance import open_instance  # noqa: PLC0415 - imports dagster

    with open_instance(project.settings):
        pools = ", ".join(f"qpu_{name}={common.slots}" for name, common in project.settings.backends.items())
    return f"pool limits set: {pools}"
