"""Braket's local simulators as what executes PUBs. Put execution here; a job's life is `LocalJobs`'."""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.model.jobs import ExecutionKind, PubResult
from hybrid_assets.providers import _braket_circuits
from hybrid_assets.providers._braket_results import joined

if TYPE_CHECKING:
    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import Pub

#: Braket's simulators compute with Numba, which ends the process when two threads are in its loops at once.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, kw_only=True, eq=False)
class BraketMachine:
    """One local simulator. It draws its samples from a generator that cannot be seeded."""

    document: TargetDocument
    #: ``braket_sv`` or ``braket_dm``.
    simulator: str
    kind: ExecutionKind

    def execute(self, pub: Pub) -> PubResult:
        """Return the counts of all rows; executed again, the same PUB gives another sample.

        Raises:
            ResultIntegrityError: The payload was altered.
            PermanentProviderError: The circuit is not one that can be executed here.
        """
        circuit, bits = _braket_circuits.load(pub), len(pub.measured_qubits)
        rows = [self._row(_braket_circuits.bind(circuit, row), pub.shots) for row in pub.values]
        return PubResult(kernel_id=pub.kernel_id, counts=joined(rows, num_bits=bits), execution=self.kind)

    def _row(self, circuit: Any, shots: int) -> tuple[np.ndarray, np.ndarray]:
        """Execute one bound circuit; the rightmost character of Qiskit's outcomes is bit 0, as in ours."""
        with _ONE_AT_A_TIME:
            counts = self._backend.run(circuit, shots=shots).result().get_counts()
        seen = sorted((int(outcome, 2), times) for outcome, times in counts.items())
        return np.array([o for o, _ in seen], dtype=np.uint64), np.array([n for _, n in seen], dtype=np.int64)

    @cached_property
    def _backend(self) -> Any:
        """The provider's backend; circuits are run one by one, for several at once would fork a threaded process."""
        from qiskit_braket_provider import BraketLocalBackend  # noqa: PLC0415 - the SDK takes two seconds

        # Advice to whoever chose `braket_dm`, with every row. For the whole process: a filter for a block is no
        # matter of one thread, and there are several.
        warnings.filterwarnings("ignore", message="You are running a noise-free circuit on the density matrix")
        return BraketLocalBackend(self.simulator)
