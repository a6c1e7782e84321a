"""Adapter: IQM's fake backends, simulated with their error profiles in an environment of `requirements/iqm.txt`.

Options: `device` (adonis 5 qubits, apollo 20, garnet 20, aphrodite 54). Devices with a computational resonator are left
out: their `move` gate is no gate of Qiskit's, so circuits cannot be compiled for them elsewhere.
"""

from __future__ import annotations

import json
from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from .errors import AdapterError
from .local_jobs import LocalJobs
from .parcels import write_file
from .records import Pub, PubCounts, Report, Request, Result, counts_of_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

DEVICES = ("adonis", "aphrodite", "apollo", "garnet")
#: Raise it when the same circuit, values and seed give other counts.
SCHEME = 1
#: IQM's name of its one-qubit rotation; Qiskit's gate `r` is the same.
ROTATION = "prx"
#: Rows that are simulated in one run.
ROWS = 64
MAX_PUBS = 12
_NS = 1e-9


class Adapter:
    """One fake backend."""

    def __init__(self, options: Mapping[str, Any], *, backend: str, state: Path) -> None:
        self._device = options.get("device", "apollo")
        if unknown := sorted(set(options) - {"device"}):
            raise AdapterError("configuration", f"{backend}: unknown option {unknown[0]!r}. Options: device.")
        if self._device not in DEVICES:
            raise AdapterError(
                "configuration", f"{backend}: no device {self._device!r}. Devices: {', '.join(DEVICES)}."
            )
        self._state = state
        self._jobs = LocalJobs(state / "jobs", self._execute)

    def describe(self) -> dict[str, Any]:
        """Say who this is; nothing of IQM is imported for it."""
        client, aer = version("iqm-client"), version("qiskit-aer")
        return {
            "version": client,
            "identity": f"iqm-client {client}, qiskit-aer {aer}, scheme {SCHEME}: fake {self._device} with its errors",
            "is_metered": False,
            "is_simulator": True,
            "supports_find": True,
            "supports_cancel": True,
            "listing_lag_s": 0.0,
        }

    def target(self, at: datetime | None) -> dict[str, Any]:  # noqa: ARG002 - a fake backend has one calibration
        """Return gates, errors as average infidelities, durations, readout errors and coherence times.

        Kept in a file, since importing IQM and computing them takes ten seconds.
        """
        client = version("iqm-client")
        path = self._state / f"target_{self._device}_{client}.json"
        try:
            kept: dict[str, Any] = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            kept = self._read_target()
            write_file(path, json.dumps(kept).encode())
        return kept

    def status(self) -> dict[str, Any]:
        """Say that jobs are taken; this process is the backend."""
        return {"operational": True, "message": f"simulated IQM {self._device}", "pending_jobs": 0}

    def limits(self) -> dict[str, Any]:
        """Return limits that keep a job small."""
        return {"max_pubs": MAX_PUBS, "max_payload_bytes": 64 << 20, "max_shots": 1_000_000}

    def estimate(self, request: Request) -> dict[str, Any]:  # noqa: ARG002 - nothing here costs anything
        """Return zero: no QPU is used."""
        return {"qpu_s": 0.0, "money": 0.0}

    def submit(self, request: Request) -> str:
        """Store a request and queue it."""
        return self._jobs.submit(request)

    def find(self, request_id: str, since: datetime | None) -> list[str]:
        """Return the job of a request."""
        return self._jobs.find(request_id, since)

    def poll(self, job_id: str) -> Report:
        """Return where a job is."""
        return self._jobs.poll(job_id)

    def fetch(self, job_id: str) -> Result:
        """Return a job's result."""
        return self._jobs.fetch(job_id)

    def cancel(self, job_id: str) -> Report:
        """Cancel a job."""
        return self._jobs.cancel(job_id)

    def _execute(self, pub: Pub) -> PubCounts:
        """Simulate all rows with the errors of the backend.

        `IQMFakeBackend.run` does the same, checks included, but takes no seed: no execution could be repeated.
        """
        from qiskit_aer import AerSimulator  # noqa: PLC0415 - the SDK is imported when it is used

        circuits = pub.bound_circuits()
        self._check(circuits[0], pub)
        simulator = AerSimulator(noise_model=self._backend.noise_model)
        rows: list[dict[int, int]] = []
        for start in range(0, len(circuits), ROWS):
            part = circuits[start : start + ROWS]
            counts = simulator.run(part, shots=pub.shots, seed_simulator=(pub.seed + start) % 2**31).result()
            if not counts.success:
                raise AdapterError("job_failed", f"{pub.kernel_id}: Aer says {counts.status}.")
            rows += [_as_integers(counts.get_counts(index)) for index in range(len(part))]
        return counts_of_rows(
            rows, kernel_id=pub.kernel_id, num_bits=len(pub.measured_qubits), execution="density_matrix"
        )

    def _check(self, circuit: Any, pub: Pub) -> None:
        """Refuse gates and places the backend does not have, by IQM's own rules; all rows of a PUB are alike."""
        validation = import_module("iqm.qiskit_iqm.iqm_circuit_validation")
        refused = import_module("exa.common.errors.iqm_error").CircuitValidationError
        try:
            validation.validate_circuit(circuit, self._backend)
        except (refused, ValueError) as exc:
            raise AdapterError("target_mismatch", f"{pub.kernel_id} does not fit IQM {self._device}: {exc}") from exc

    @cached_property
    def _backend(self) -> Any:
        module = import_module(f"iqm.qiskit_iqm.fake_backends.fake_{self._device}")
        return getattr(module, f"IQMFake{self._device.capitalize()}")()

    def _read_target(self) -> dict[str, Any]:
        backend, profile = self._backend, self._backend.error_profile
        names = [backend.index_to_qubit_name(q) for q in range(backend.num_qubits)]
        readout = [(profile.readout_errors[name]["0"], profile.readout_errors[name]["1"]) for name in names]
        rotation_s = profile.single_qubit_gate_durations[ROTATION] * _NS
        entangler_s = profile.two_qubit_gate_durations["cz"] * _NS
        return {
            "num_qubits": backend.num_qubits,
            "operations": [
                *(["r", [q], _infidelity(profile, ROTATION, (name,)), rotation_s] for q, name in enumerate(names)),
                *(
                    ["cz", list(pair), _infidelity(profile, "cz", tuple(names[q] for q in pair)), entangler_s]
                    for pair in backend.target["cz"]
                ),
                *(["measure", [q], sum(errors) / 2, None] for q, errors in enumerate(readout)),
            ],
            "readout": readout,
            "t1_t2_s": [(profile.t1s[name] * _NS, profile.t2s[name] * _NS) for name in names],
        }


def _infidelity(profile: Any, gate: str, components: tuple[str, ...]) -> float:
    """Return 1 - the average fidelity of a gate's error channel: relaxation of each component, then depolarization.

    The fake backends' own noise model composes them so; see ``IQMErrorProfile``.
    """
    from qiskit.quantum_info import SuperOp, average_gate_fidelity  # noqa: PLC0415 - the SDK is imported when used
    from qiskit_aer.noise.errors import depolarizing_error  # noqa: PLC0415 - as above

    if len(components) == 1:
        parameter = profile.single_qubit_gate_depolarizing_error_parameters[gate][components[0]]
        duration_ns = profile.single_qubit_gate_durations[gate]
    else:
        parameters = profile.two_qubit_gate_depolarizing_error_parameters[gate]
        parameter = parameters[components] if components in parameters else parameters[components[::-1]]
        duration_ns = profile.two_qubit_gate_durations[gate]
    relaxation, *others = [profile.thermal_relaxation(component, duration_ns) for component in components]
    for other in others:
        relaxation = relaxation.tensor(other)
    channel = relaxation.compose(depolarizing_error(parameter, len(components)))
    return float(1.0 - average_gate_fidelity(SuperOp(channel)))


def _as_integers(counts: Mapping[str, int]) -> dict[int, int]:
    """Return counts by outcome; the last character of Qiskit's bit string is classical bit 0."""
    return {int(bits.replace(" ", ""), 2): times for bits, times in counts.items()}
