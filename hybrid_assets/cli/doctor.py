"""`doctor`: everything that can be wrong before a night, found before the night."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hybrid_assets.errors import (
    BackendUnavailableError,
    ConfigurationError,
    HybridAssetsError,
    ProblemError,
    UsageError,
)
from hybrid_assets.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hybrid_assets.protocols import Provider
    from hybrid_assets.runner.project import Project


@click.command(short_help="Check settings, plug-ins, inputs, backends and state.")
@click.option("--quarantine", is_flag=True, help="Set damaged data files aside.")
@click.option("--errors", "provider", metavar="PROVIDER", help="Only show what a provider's error codes lead to.")
@click.pass_obj
def command(obj: dict[str, str | None], *, quarantine: bool, provider: str | None) -> int:
    r"""Check settings, plug-ins, inputs, backends, the warehouse and the pool limits (which are set on the way).

    Of a backend that is reached over a network: credentials (never shown), reachability, clocks, the plan's limits and
    what is left of it; of every metered one what is left of tonight's budgets.

    \b
    Examples:
      hybrid-assets doctor
      hybrid-assets doctor --errors ibm
    """
    if provider is not None:
        return _show_errors(provider)
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
    if project.settings.alerts is not None:
        yield "alerts", lambda: _alerts(project)
    yield "warehouse", lambda: _warehouse(project, quarantine=quarantine)
    yield "dagster", lambda: _dagster(project)


def _show_errors(name: str) -> int:
    from hybrid_assets import registry  # noqa: PLC0415 - with the verb
    from hybrid_assets.cli.table import draw  # noqa: PLC0415 - imports duckdb
    from hybrid_assets.protocols import ErrorExplainingProvider  # noqa: PLC0415 - with the verb

    plugin = registry.provider_class(name)
    if not issubclass(plugin, ErrorExplainingProvider):
        known = [
            other
            for other in registry.names("provider")
            if issubclass(registry.provider_class(other), ErrorExplainingProvider)
        ]
        raise UsageError(f"The provider {name!r} has no error codes of its own. These have: {', '.join(known)}.")
    rows = [[row.code, row.meaning, row.error_class, row.action] for row in plugin.error_table()]
    click.echo(draw(("code", "what it says", "error class", "what is done"), rows))
    return 0


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
        raise ConfigurationError(f"{len(refused)} of {len(files)} inputs would be refused; mend or remove:{listed}")
    return f"{len(files)} inputs"


def _backend(project: Project, backend: str) -> str:
    provider = project.provider(backend)
    lines = [*_findings(provider), *_budgets(project, backend)]
    status, target = provider.status(), provider.target()
    if not status.operational:
        raise BackendUnavailableError(f"not operational: {status.message}. Jobs are kept until it is.")
    width = "any number of" if target.num_qubits is None else target.num_qubits
    name, calibration = provider.describe().provider, f"calibration {target.calibration_id[:12]}"
    said = ", ".join(filter(None, (name, f"{width} qubits", calibration, status.message)))
    return "".join([said, *lines])


def _findings(provider: Provider) -> list[str]:
    """Return what a provider that looks at itself found.

    Raises:
        ConfigurationError: Jobs would fail.
        BackendUnavailableError: The service cannot be asked now.
    """
    from hybrid_assets.model.diagnosis import FindingState  # noqa: PLC0415 - with the verb
    from hybrid_assets.protocols import SelfCheckingProvider  # noqa: PLC0415 - with the verb

    found = provider.check() if isinstance(provider, SelfCheckingProvider) else ()
    if wrong := [f"{one.name}: {one.detail}" for one in found if one.state is FindingState.WRONG]:
        raise ConfigurationError(" ".join(wrong))
    if silent := [f"{one.name}: {one.detail}" for one in found if one.state is FindingState.UNREACHABLE]:
        raise BackendUnavailableError(" ".join(silent))
    mark = {FindingState.OK: "", FindingState.WARNING: "WARNING "}
    return [f"\n      {mark[one.state]}{one.name}: {one.detail}" for one in found]


def _budgets(project: Project, backend: str) -> list[str]:
    """Return what tonight's budgets have left, for a backend that costs money."""
    from hybrid_assets.runner.driver import utc_now  # noqa: PLC0415 - imports the stores
    from hybrid_assets.runner.queueing import open_budgets  # noqa: PLC0415 - as above

    if not project.provider(backend).describe().is_metered:
        return []
    night, month = f"{utc_now():%Y-%m-%d}", f"{utc_now():%Y-%m}"
    open_budgets(project, night)
    left = [
        f"\n      budget: team {budget.team}, {budget.window}: "
        f"{budget.limit - budget.spent - budget.reserved:g} of {budget.limit:g} {budget.unit} left"
        for budget in project.ledger.budgets()
        if budget.window in {night, month}
    ]
    return left or ["\n      WARNING budget: none limits what may be spent; see `budgets` in sweep.yaml"]


def _baselines() -> str:
    from hybrid_assets import registry  # noqa: PLC0415 - with the verb

    return ", ".join(registry.baseline(name).name for name in registry.names("baseline"))


def _alerts(project: Project) -> str:
    from hybrid_assets.runner.alert_hooks import unusable  # noqa: PLC0415 - with the verb
    from hybrid_assets.runner.alerting import undelivered  # noqa: PLC0415 - as above

    alerts = project.settings.alerts
    if alerts is None:
        return "none"
    if reason := unusable(project.settings):
        raise ConfigurationError(reason)
    way = f"command {alerts.command[0]}" if alerts.command else f"webhook in {alerts.webhook_env}"
    return f"{way}, on {', '.join(alerts.on)}; {len(undelivered(project))} wait"


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
    from hybrid_assets.defs.instance import open_instance, pool_of  # noqa: PLC0415 - imports dagster

    with open_instance(project.settings):
        pools = ", ".join(f"{pool_of(name)}={common.slots}" for name, common in project.settings.backends.items())
    return f"pool limits set: {pools}"
