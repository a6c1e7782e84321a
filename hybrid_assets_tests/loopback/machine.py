"""The QPU: tasks -> outcomes, by the project's own local simulator under a calibration's noise. Keep jobs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.circuits import payload
from hybrid_assets.errors import PermanentProviderError
from hybrid_assets.model.jobs import Pub
from hybrid_assets.providers._execute import LocalMachine
from hybrid_assets_tests.loopback.programs import Outcomes

if TYPE_CHECKING:
    from hybrid_assets_tests.loopback.device import Calibration, Device
    from hybrid_assets_tests.loopback.options import LoopbackOptions
    from hybrid_assets_tests.loopback.programs import Task


class Machine:
    """Executes tasks; one at a time, like a QPU."""

    def __init__(self, device: Device, options: LoopbackOptions) -> None:
        self._device, self._options = device, options
        self._machines: dict[str, LocalMachine] = {}
        self._executed = 0

    def execute(self, task: Task, calibration: Calibration) -> Outcomes:
        """Return what is measured; other shots each time, the same ones in a service of the same seed.

        Raises:
            PermanentProviderError: The circuit is not one of this device.
            CapacityError: It is too wide to be simulated.
        """
        from qiskit.circuit import Parameter

        circuit = task.circuit
        _require_angles(task)
        slots = {old: Parameter(f"s{slot:05d}") for slot, old in enumerate(circuit.parameters)}
        body, sha = payload.dump(circuit.assign_parameters(slots) if slots else circuit)
        rows = int(np.prod(task.shape, dtype=np.int64))
        self._executed += 1
        pub = Pub(
            kernel_id="loopback",
            payload=body,
            payload_sha=sha,
            artefact_fingerprint=sha,
            measured_qubits=_measured(circuit),
            expected_success=1.0,
            values=task.values.reshape(rows, len(slots)),
            shots=task.shots,
            seed=self._options.seed * 1_000_003 + self._executed,
        )
        counts = self._machine(calibration).execute(pub).counts
        shots = np.repeat(counts.outcomes, counts.counts).reshape(rows, task.shots)
        shots = np.random.default_rng(pub.seed).permuted(shots, axis=1)
        return Outcomes(registers=_registers(circuit), shots=shots.reshape(*task.shape, task.shots))

    def random(self, task: Task) -> Outcomes:
        """Return random outcomes of the right shape: what a dry run gives."""
        self._executed += 1
        generator = np.random.default_rng(self._options.seed + self._executed)
        bits = task.circuit.num_clbits
        shots = generator.integers(0, 1 << bits, size=(*task.shape, task.shots), dtype=np.uint64)
        return Outcomes(registers=_registers(task.circuit), shots=shots)

    def _machine(self, calibration: Calibration) -> LocalMachine:
        if calibration.id not in self._machines:
            self._machines[calibration.id] = LocalMachine(
                document=self._device.document(calibration),
                is_noisy=self._options.is_noisy,
                density_matrix_qubits=self._options.density_matrix_qubits,
                identity=calibration.id,
                distributions=None,
            )
        return self._machines[calibration.id]


def _require_angles(task: Task) -> None:
    """Refuse what a real device refuses once the job is queued: ``rzz`` beyond [0, pi/2], by the client's own rule.

    Raises:
        PermanentProviderError: An angle is beyond.
    """
    from qiskit.primitives.containers.sampler_pub import SamplerPub
    from qiskit_ibm_runtime.utils.utils import is_valid_rzz_pub

    values = task.values if task.circuit.parameters else None
    if message := is_valid_rzz_pub(SamplerPub.coerce((task.circuit, values, task.shots))):
        raise PermanentProviderError(message)


def _measured(circuit: Any) -> tuple[int, ...]:
    """Return the qubit of each classical bit, -1 where it is never measured (the simulator refuses that by name)."""
    found = {
        circuit.find_bit(entry.clbits[0]).index: circuit.find_bit(entry.qubits[0]).index
        for entry in circuit.data
        if entry.operation.name == "measure"
    }
    return tuple(found.get(bit, -1) for bit in range(circuit.num_clbits))


def _registers(circuit: Any) -> dict[str, tuple[int, ...]]:
    return {register.name: tuple(circuit.find_bit(bit).index for bit in register) for register in circuit.cregs}
