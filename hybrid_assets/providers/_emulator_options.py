"""Options of the emulated QPU, typed and checked. Put keys, defaults and ranges here.

| option | default | what |
| --- | --- | --- |
| `device` | `fake_torino` | fake backend of qiskit-ibm-runtime whose target and calibration it has |
| `seed` | 7 | of queue waits, faults and drift |
| `density_matrix_qubits` | 8 | widest circuit whose noise is simulated fully |
| `run_slots` | 1 | jobs the device runs at once (the common key `slots` is how many of ours may be on their way) |
| `queue_median_s`, `queue_sigma` | 2.0, 0.5 | log-normal wait behind other users' jobs |
| `speed` | 1.0 | how many times faster than the real device jobs wait and run; bills stay the same |
| `overhead_s` | 2.0 | device seconds a job takes whatever is in it |
| `rep_delay_s` | 0.00025 | pause before each execution |
| `bill_step_s` | 1.0 | bills are rounded up to a multiple; 0: not rounded |
| `max_run_s` | 10800 | longer jobs are cut off there, fail with a code of class `split`, and are billed |
| `max_pubs`, `max_executions` | 100, 10 million | requests beyond are refused; null: no limit |
| `max_payload_bytes`, `max_shots` | 50 million, 100000 | as above |
| `posts_per_minute` | null | submissions accepted in any 60 s |
| `listing_lag_s` | 0.0 | jobs younger than this are not found |
| `dedupe` | false | whether submitting an id again gives the same job |
| `metered` | false | whether it passes for a backend that costs money (plans, approvals) |
| `faults`, `drift` | none | see `_emulator_faults`, `_emulator_drift` |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.model.jobs import JobLimits
from hybrid_assets.providers._emulator_drift import DRIFT_KEYS, Drift
from hybrid_assets.providers._emulator_faults import FAULT_KEYS, Faults
from hybrid_assets.providers._section import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = (
    "device",
    "seed",
    "density_matrix_qubits",
    "run_slots",
    "queue_median_s",
    "queue_sigma",
    "speed",
    "overhead_s",
    "rep_delay_s",
    "bill_step_s",
    "max_run_s",
    "max_pubs",
    "max_executions",
    "max_payload_bytes",
    "max_shots",
    "posts_per_minute",
    "listing_lag_s",
    "dedupe",
    "metered",
    "faults",
    "drift",
)
#: A density matrix of 12 qubits takes 256 MiB.
MAX_DENSITY_MATRIX_QUBITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorOptions:
    """Everything one emulated backend may be told."""

    device: str
    seed: int
    density_matrix_qubits: int
    run_slots: int
    queue_median_s: float
    queue_sigma: float
    speed: float
    overhead_s: float
    rep_delay_s: float
    bill_step_s: float
    max_run_s: float
    limits: JobLimits
    listing_lag_s: float
    dedupe: bool
    metered: bool
    faults: Faults
    drift: Drift | None

    @classmethod
    def parse(cls, raw: Mapping[str, Any], backend: str) -> EmulatorOptions:
        """Check options as they come from the settings.

        Raises:
            ConfigurationError: One is unknown or wrong; the message names it and the nearest right one.
        """
        section = Section(f"backends.{backend}", raw, KEYS)
        seed = section.integer("seed", 7)
        max_run_s = section.number("max_run_s", 10_800.0, least=1e-3)
        return cls(
            device=section.text("device", "fake_torino"),
            seed=seed,
            density_matrix_qubits=section.integer("density_matrix_qubits", 8, most=MAX_DENSITY_MATRIX_QUBITS),
            run_slots=section.integer("run_slots", 1, least=1, most=64),
            queue_median_s=section.number("queue_median_s", 2.0),
            queue_sigma=section.number("queue_sigma", 0.5, most=5.0),
            speed=section.number("speed", 1.0, least=1e-3, most=1e6),
            overhead_s=section.number("overhead_s", 2.0),
            rep_delay_s=section.number("rep_delay_s", 250e-6, most=1.0),
            bill_step_s=section.number("bill_step_s", 1.0, most=60.0),
            max_run_s=max_run_s,
            limits=JobLimits(
                max_pubs=section.optional_integer("max_pubs", 100),
                max_executions=section.optional_integer("max_executions", 10_000_000),
                max_payload_bytes=section.optional_integer("max_payload_bytes", 50_000_000),
                max_shots=section.optional_integer("max_shots", 100_000),
                max_run_s=max_run_s,
                posts_per_minute=section.optional_integer("posts_per_minute", None),
            ),
            listing_lag_s=section.number("listing_lag_s", 0.0),
            dedupe=section.flag("dedupe", default=False),
            metered=section.flag("metered", default=False),
            faults=Faults.parse(section.section("faults", FAULT_KEYS)),
            drift=Drift.parse(section.section("drift", DRIFT_KEYS), seed=seed),
        )
