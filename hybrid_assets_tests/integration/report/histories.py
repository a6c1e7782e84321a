"""Made-up histories in a warehouse: as many nights, instances and backends as a test wants, every table filled."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta

from hybrid_assets.settings import load_settings
from hybrid_assets.storage.warehouse import Warehouse

LAST = date(2026, 11, 30)
QUANTUM, CONTROL = ("qaoa_p1", "qaoa_p2", "qaoa_p2+descent"), ("random_bits", "random_bits+descent")
CLASSICAL = ("exact_enumeration", "highs", "simulated_annealing")


def nights_of(count, *, without=()):
    """Return so many nights up to the last one; those at the positions ``without`` are left out."""
    found = [LAST - timedelta(days=back) for back in reversed(range(count))]
    return [night for index, night in enumerate(found) if index not in without]


def write_history(
    folder,
    *,
    nights,
    workloads=("maxcut",),
    backends=("aer", "emulator"),
    instances=("petersen", "frucht", "karate-club"),
    varies=True,
    budgets=True,
    fate="backend",
    divided=(),
    confidence=0.5,
):
    """Write settings and a warehouse; return the settings.

    Args:
        folder: Where.
        nights: Which nights.
        workloads: Names.
        backends: Names; the first one is ideal, has no calibration and bills nothing.
        instances: Names of each workload; the last one is refused.
        varies: False: every night has the same numbers.
        budgets: Whether a budget of the month is recorded.
        fate: Source of the first instance's rows on the last backend.
        divided: Instances that only kernels of parts of them were made for, each with half of their value.
        confidence: What the intervals of the effects are worth.
    """
    lines = "".join(f"  {name}: {{inputs: 'in/*.csv'}}\n" for name in workloads)
    made = "".join(f"  {name}: {{provider: aer, price_per_s: 1.6}}\n" for name in backends)
    (folder / "sweep.yaml").write_text(f"start: 2026-01-01\nworkloads:\n{lines}backends:\n{made}")
    settings = load_settings(folder / "sweep.yaml")
    warehouse = Warehouse(settings.home)
    for index, night in enumerate(nights):
        chance = random.Random(index if varies else 0)  # noqa: S311 - made-up numbers
        made = _Night(warehouse, night, index, chance, backends=backends, instances=instances, fate=fate,
                      divided=divided, confidence=confidence)  # fmt: skip
        made.write(workloads, with_budgets=budgets)
    return settings


class _Night:
    def __init__(self, warehouse, night, index, chance, *, backends, instances, fate, divided, confidence) -> None:
        self.warehouse, self.chance, self.backends, self.instances = warehouse, chance, backends, instances
        self.fate, self.divided, self.confidence = fate, divided, confidence
        self.night, self.index = night.isoformat(), index
        self.at = datetime(2026, 11, 1, 2, tzinfo=UTC) + timedelta(days=index)

    def publish(self, table, rows, **partition):
        keys = {"night": self.night, **partition}
        self.warehouse.publish(table, [{**keys, **row} for row in rows], partition=keys)

    def write(self, workloads, *, with_budgets):
        for backend in self.backends[1:]:
            self.calibrate(backend)
        for workload in workloads:
            self.inputs(workload)
            for backend in self.backends:
                self.cell(workload, backend)
            self.publish("decisions", [{"decision": "use_classical", "signer": "policy", "reason": "as always"}],
                         workload=workload)  # fmt: skip
        self.control(workloads)
        spent = 10.0 * (self.index + 1)
        budget = {"team": "research", "unit": "qpu_s", "reserved": 0.0, "recorded_at": self.at}
        periods = {self.night: (40.0, 10.0), self.night[:7]: (900.0, spent)} if with_budgets else {}
        self.publish("budgets", [{**budget, "period": p, "limit": a, "spent": b} for p, (a, b) in periods.items()])
        self.publish("environments", [{"kind": "package", "name": "qiskit", "value": "2.5.1", "recorded_at": self.at}])

    def calibration(self, backend):
        return f"{self.index:04d}{backend}".ljust(64, "f")

    def calibrate(self, backend):
        error = 0.004 + 0.001 * self.chance.random()
        key = {"backend": backend, "calibration_id": self.calibration(backend)}
        row = {**key, "calibrated_at": self.at, "observed_at": self.at, "num_qubits": 133,
               "median_two_qubit_error": error, "median_readout_error": 5 * error}  # fmt: skip
        self.warehouse.publish("calibration_snapshots", [row], partition=key)

    def inputs(self, workload):
        *accepted, refused = self.instances
        common = {"status": "accepted", "fingerprint": "f", "num_variables": 10}
        rows = [{**common, "instance": name, "source": f"in/{name}"} for name in accepted]
        refusal = {"status": "refused", "refusal": f"{refused}: no number"}
        rows.append({**refusal, "instance": refused, "source": f"in/{refused}"})
        self.publish("normalized_inputs", rows, workload=workload)
        solved = [
            {"instance": name, "fingerprint": "f", "baseline": baseline, "version": "1", "role": "classical",
             "value": 12.0, "proved": True, "wall_s": 0.001 * (place + 1), "seed": 7}
            for name in accepted for place, baseline in enumerate(CLASSICAL)
        ]  # fmt: skip
        self.publish("classical_baselines", solved, workload=workload)

    def cell(self, workload, backend):
        *accepted, _ = self.instances
        cell, is_ideal = {"workload": workload, "backend": backend}, backend == self.backends[0]
        calibration = None if is_ideal else self.calibration(backend)
        results, compared, circuits = [], [], []
        for position, instance in enumerate(accepted):
            source = self.fate if (position, backend) == (0, self.backends[-1]) else "backend"
            for place, whole in enumerate(QUANTUM[:2]):
                value = 12 * (0.7 + 0.1 * place + 0.05 * self.chance.random()) - (0 if is_ideal else 0.6)
                is_part = instance in self.divided
                label = f"part00_p{place + 1}" if is_part else whole
                results.append({
                    "instance": instance, "label": label, "row": 0, "kernel_id": f"{instance}{label}{self.night}",
                    "source": source, "num_qubits": 5 if is_part else 10,
                    "shots": 1024 if self.index % 2 else 256,
                    "expected_value": None if source == "failed" else value / 2 if is_part else value,
                    "execution": "statevector" if is_ideal else "depolarized_mixture",
                    "source_reason": None if source == "backend" else f"{instance} did not work",
                    "executed_calibration_id": calibration, "compiled_calibration_id": calibration,
                    "provider_job_id": f"job{place}",
                })  # fmt: skip
                circuits.append({
                    "instance": instance, "label": label, "structure_fingerprint": "s", "compile_key": "k",
                    "cache_hit": True, "compile_s": 0.1, "num_qubits": 10, "two_qubit_gates": 30 * (place + 1),
                    "depth": 20 * (place + 1), "expected_success": 0.8, "optimization_level": 2, "seed": 7,
                })  # fmt: skip
            compared += self.rows(instance, source, is_ideal)
        self.publish("compiled_circuits", circuits, **cell)
        self.publish("quantum_results", results, **cell)
        self.publish("comparisons", compared, **cell)
        effect = -0.02 * self.chance.random()
        self.publish("verdicts", [{
            "metric": "approximation_ratio", "verdict": "no_advantage", "method": QUANTUM[1], "effect": effect,
            "num_instances": len(accepted), "effect_low": effect - 0.03, "effect_high": min(effect + 0.01, 0.0),
            "effect_confidence": self.confidence, "p_value": 0.97, "wins": 0, "ties": 1, "losses": len(accepted) - 1,
            "reasons": "effect: begins below 0",
            "scope": f"Concerns {', '.join(accepted)}.",
        }], **cell)  # fmt: skip

    def rows(self, instance, source, is_ideal):
        for place, method in enumerate((*QUANTUM, *CONTROL, *CLASSICAL)):
            role = "quantum" if method in QUANTUM else "control" if method in CONTROL else "classical"
            ratio = 1.0 if role == "classical" else 0.5 + 0.05 * place + 0.05 * self.chance.random()
            yield {
                "instance": instance, "fingerprint": "f", "method": method, "role": role, "ratio": ratio,
                "best_ratio": min(1.0, ratio + 0.2), "value": 12 * ratio, "reference_value": 12.0,
                "reference_kind": "proved", "p_opt": None if role == "classical" else 0.01 * place,
                "source": source if role == "quantum" else None, "shots": 1024 if role == "quantum" else 0,
                "wall_s": 0.001 * (place + 1) if role == "classical" else None,
                "cost": 0.0 if is_ideal else 0.7, "facts": json.dumps({}),
            }  # fmt: skip

    def control(self, workloads):
        jobs, batches, timings, events = [], [], [], []
        for number, (workload, backend) in enumerate((w, b) for w in workloads for b in self.backends):
            begun, bills = self.at + timedelta(seconds=20 * number), backend != self.backends[0]
            for attempt in range(2):
                queue_s = 1.0 + 9 * self.chance.random()
                is_failed = attempt == 1 and backend == self.backends[-1]
                jobs.append({
                    "job_id": f"{number}-{attempt}", "attempt": attempt, "backend": backend, "workload": workload,
                    "status": "FAILED" if is_failed else "SUCCEEDED", "provider_job_id": f"job{attempt}",
                    "num_pubs": 3, "num_rows": 3, "shots": 3072, "submitted_at": begun, "queue_s": queue_s,
                    "started_at": begun + timedelta(seconds=queue_s), "run_s": 4.0, "night_share": 1.0,
                    "finished_at": begun + timedelta(seconds=queue_s + 4), "is_duplicate": False,
                    "billed_s": 5.0 * bills, "cost": 8.0 * bills,
                    "error_message": "it broke" if is_failed else None,
                })  # fmt: skip
                batch = {"decided_at": begun, "backend": backend, "reason": "full; led by x", "limit": 12}
                batches.append({**batch, "size": 3 + attempt, "batch_id": f"{number}-{attempt}"})
            for stage in ("compiled_circuits", "quantum_results", "comparisons"):
                begun += timedelta(seconds=6)
                timings.append({"stage": stage, "workload": workload, "backend": backend, "wall_s": 5.5,
                                "finished_at": begun, "budget_s": 5.0, "within_budget": False})  # fmt: skip
        for backend in self.backends:
            opened = {"backend": backend, "kind": "change", "state": "open", "reason": "three failures in a row"}
            events.append({**opened, "happened_at": self.at + timedelta(seconds=9)})
            ended = {"backend": backend, "kind": "end", "state": "closed", "reason": None}
            events.append({**ended, "happened_at": self.at + timedelta(seconds=60)})
        self.publish("job_attempts", jobs)
        self.publish("batch_decisions", batches)
        self.publish("stage_timings", timings)
        self.publish("breaker_events", events)
