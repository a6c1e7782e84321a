"""Stage `comparisons`: what a claim needs that only earlier nights can tell."""

from __future__ import annotations

from hybrid_assets import registry
from hybrid_assets.runner.comparing import claim_rules, metric_before
from hybrid_assets.scoring.effects import by_instance
from hybrid_assets.scoring.verdict import gather_evidence
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets_tests.unit.scoring.nights import PLANTED, changed
from hybrid_assets_tests.unit.storage.sample_rows import partition_of, rows_of

CELL = {"workload": "maxcut", "backend": "aer"}


def _judged(warehouse, night, metric, **cell):
    partition = partition_of("verdicts", night=night, **{**CELL, **cell})
    warehouse.publish("verdicts", rows_of("verdicts", 1, metric=metric), partition=partition)


def test_declared_metric_is_that_of_the_last_night_before(tmp_path):
    """Neither a later night, nor this one, nor another workload or backend declares anything."""
    warehouse = Warehouse(tmp_path)
    assert metric_before(warehouse, night="2026-11-03", **CELL) is None
    _judged(warehouse, "2026-11-01", "p_opt")
    _judged(warehouse, "2026-11-02", "approximation_ratio")
    for night, cell in (("2026-11-03", {}), ("2026-11-04", {}), ("2026-11-02", {"backend": "b"})):
        _judged(warehouse, night, "other", **cell)
    assert metric_before(warehouse, night="2026-11-03", **CELL) == "approximation_ratio"
    assert metric_before(warehouse, night="2026-11-02", **CELL) == "p_opt"
    assert metric_before(warehouse, night="2026-11-01", **CELL) is None


def test_a_metric_that_replaces_last_nights_supports_no_claim(tmp_path):
    warehouse, plugin = Warehouse(tmp_path), registry.workload("maxcut")
    _judged(warehouse, "2026-11-01", "p_opt")
    rows = changed(PLANTED, "random", role="control")
    gates = {}
    for night in ("2026-11-01", "2026-11-02"):
        declared = metric_before(warehouse, night=night, **CELL) or plugin.metric
        rules = claim_rules(plugin, rows, kinds={"statevector"}, panel=set(), declared_metric=declared)
        table = by_instance(rows, instances=dict.fromkeys({row["instance"] for row in rows}))
        (evidence,) = gather_evidence(table, rules)
        gates[night] = {gate.name: gate.passed for gate in evidence.gates}["metric"]
    assert gates == {"2026-11-01": True, "2026-11-02": False}
