"""The honest record: what another person needs to judge or repeat the night. Put facts here, no judgment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hybrid_assets import registry
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.text import plural
from hybrid_assets.report.cards.parts import Card, Column, data_table, missing, sentence, text_column
from hybrid_assets.report.words import NOTHING, escape, number, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hybrid_assets.report.gathering import Evidence

#: Options that are named but not shown: a plug-in may let a person write a secret there.
_SECRET = re.compile(r"token|secret|passw|key|credential|auth", re.IGNORECASE)
#: Names of instances shown beside a choice.
MOST_NAMES = 8
#: Settings of a backend that decide how its kernels are batched, sent and sent again.
_POLICY = (
    "slots", "reserved_slots", "batch_size", "linger_s", "job_wait_s", "max_attempts", "retry_wait_s",
    "breaker_threshold", "breaker_pause_s", "reuse", "keep_ratio", "recompile_seeds", "on_recalibration", "price_per_s",
)  # fmt: skip


def record(evidence: Evidence) -> Card:
    """Return workload, inputs, kernels, baselines, backends, policy, decisions and versions of the night."""
    parts = [
        _part("Workloads and inputs", _workloads(evidence)),
        _part("Kernels and circuits", _kernels(evidence)),
        _part("Backends and batching policy", _backends(evidence)),
        _part("Classical baselines", _baselines(evidence)),
        _part("Decisions", _decisions(evidence)),
        _part("Environment", _environment(evidence)),
    ]
    return Card(
        key="record",
        title="The record",
        why="Everything another person needs to judge the night, or to repeat it.",
        body="".join(parts),
        questions=("workloads", "kernels", "choices", "baselines", "decisions", "environment"),
    )


def _part(title: str, inner: str) -> str:
    return f"<h3>{escape(title)}</h3>{inner}"


def _workloads(evidence: Evidence) -> str:
    if not (rows := evidence["workloads"]):
        return missing("No input of this night is published: `W/normalized_inputs` fills this table.")
    table = data_table(
        "workloads",
        rows,
        (
            text_column("workload", "workload"),
            text_column("workload", "what", lambda row: escape(_description(row["workload"]))),
            Column(key="instances", head="instances"),
            Column(key="refused", head="refused"),
            Column(key="smallest", head="least variables"),
            Column(key="largest", head="most"),
            text_column(
                "workload", "pre-processing and options", lambda row: escape(_options_of(evidence, row["workload"]))
            ),
        ),
    )
    names = "".join(
        f"<li><b>{escape(row['workload'])}</b> {escape(row['names'] or 'no accepted instance')}</li>" for row in rows
    )
    return table + f'<ul class="scopes">{names}</ul>'


def _description(workload: str) -> str:
    try:
        return registry.workload(workload).description
    except ConfigurationError:
        return "not installed here"


def _options_of(evidence: Evidence, workload: str) -> str:
    common = evidence.settings.workloads.get(workload)
    if common is None:
        return "not in the present settings"
    shared = {"inputs": common.inputs, "max_qubits": common.max_qubits, "class": common.class_, "phase": common.phase}
    return _shown({**shared, **common.options})


def _shown(options: Mapping[str, Any]) -> str:
    """Return options as text; the value of what may be a secret is left out."""
    return ", ".join(
        f"{name} {'(set, not shown)' if _SECRET.search(name) else value}" for name, value in options.items()
    )


def _kernels(evidence: Evidence) -> str:
    if not (rows := evidence["kernels"]):
        return missing("No circuit was compiled this night: `W/B/compiled_circuits` fills this table.")
    columns = (
        text_column("workload", "workload"),
        text_column("backend", "backend"),
        text_column("execution", "executed as"),
        Column(key="kernels", head="kernels"),
        Column(key="rows", head="rows"),
        Column(key="circuits", head="circuits"),
        Column(key="cached", head="from cache"),
        Column(key="most_qubits", head="qubits", html=lambda row: _span(row["least_qubits"], row["most_qubits"])),
        Column(key="two_qubit_gates", head="2q gates"),
        Column(key="depth", head="depth"),
        Column(key="largest_depth", head="deepest"),
        Column(key="expected_success", head="expected success", show=lambda value: number(value, digits=3)),
        Column(key="most_shots", head="shots", html=lambda row: _span(row["least_shots"], row["most_shots"])),
        text_column("level", "level"),
        text_column("seed", "seed"),
        Column(key="compile_s", head="compiled in", show=seconds),
    )
    return (
        data_table("kernels", rows, columns)
        + sentence("Medians over circuits for gates, depth and expected success; level and seed are the transpiler's.")
        + _choices(evidence)
    )


def _choices(evidence: Evidence) -> str:
    """Return what the quantum methods chose for each instance, where that is a word: an option may leave it to them."""
    lines = [
        f"<li><b>{escape(row['workload'])}</b> {escape(row['fact'])} {escape(row['choice'])}: "
        f"{escape(plural(row['instances'], 'instance'))} ({escape(_shortened(row['names']))})</li>"
        for row in evidence["choices"]
    ]
    return (
        sentence("What was chosen, instance by instance:") + f'<ul class="scopes">{"".join(lines)}</ul>'
        if lines
        else ""
    )


def _shortened(names: str) -> str:
    shown = names.split(", ")
    return ", ".join(shown[:MOST_NAMES]) + (", ..." if len(shown) > MOST_NAMES else "")


def _span(low: int | None, high: int | None) -> str:
    return number(low) if low == high else f"{number(low)}{NOTHING}{number(high)}"


def _backends(evidence: Evidence) -> str:
    lines = []
    identity = {row["name"]: row["value"] for row in evidence["environment"] if row["kind"] == "backend"}
    for name, common in evidence.settings.backends.items():
        policy = ", ".join(f"{key} {getattr(common, key)}" for key in _POLICY)
        options = _shown(common.options)
        who = identity.get(name, "its identity was not recorded that night")
        lines.append(
            f"<li><b>{escape(name)}</b> {escape(who)}. Provider {escape(common.provider)}"
            f"{escape(f' ({options})') if options else ''}. Policy: {escape(policy)}.</li>"
        )
    return f'<ul class="scopes">{"".join(lines)}</ul>' + sentence("Options and policy are those of the settings now.")


def _baselines(evidence: Evidence) -> str:
    if not (rows := evidence["baselines"]):
        return missing("No baseline was solved this night: `W/classical_baselines` fills this table.")
    columns = (
        text_column("workload", "workload"),
        text_column("baseline", "baseline"),
        text_column("role", "role"),
        text_column("version", "version"),
        Column(key="instances", head="instances"),
        Column(key="proved", head="proved"),
        Column(key="wall_s", head="median wall", show=seconds),
        Column(key="longest_wall_s", head="longest", show=seconds),
    )
    return data_table("baselines", rows, columns)


def _decisions(evidence: Evidence) -> str:
    if not (rows := evidence["decisions"]):
        return missing("Nothing was decided this night yet: `W/decisions` fills this table.")
    columns: Sequence[Column] = (
        text_column("workload", "workload"),
        text_column("decision", "decision", lambda row: escape(row["decision"].replace("_", " "))),
        text_column("signer", "signer (self-declared)"),
        text_column("reason", "reason"),
    )
    return data_table("decisions", rows, columns)


def _environment(evidence: Evidence) -> str:
    rows = [row for row in evidence["environment"] if row["kind"] != "backend"]
    if not rows:
        return missing(
            "Versions were not recorded: `report/nightly_report` records them in the process that runs a night."
        )
    items = "".join(f"<li><b>{escape(row['name'])}</b> {escape(row['value'])}</li>" for row in rows)
    return f'<ul class="versions">{items}</ul>'
