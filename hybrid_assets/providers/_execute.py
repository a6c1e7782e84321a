"""One PUB -> its counts: which method is used, and what is kept. Put the choice of method here; keep jobs out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits import payload
from hybrid_assets.model.fingerprint import array_fingerprint, fingerprint
from hybrid_assets.model.jobs import ExecutionKind, PubResult
from hybrid_assets.providers import _noise
from hybrid_assets.providers._parsed import ParsedCircuit, parse
from hybrid_assets.providers._sampling import mixed_with_uniform, sample, with_readout_error
from hybrid_assets.providers._simulate import exact_distributions, noisy_distributions

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import Pub
    from hybrid_assets.providers._distributions import Distributions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalMachine:
    """What executes PUBs: an ideal simulator, or a device with or without its noise."""

    document: TargetDocument
    #: Whether the document's errors act.
    is_noisy: bool
    #: Widest circuit whose noise is simulated fully.
    density_matrix_qubits: int
    #: Name of everything that makes distributions differ; enters the key of kept ones.
    identity: str
    #: None: distributions are not kept.
    distributions: Distributions | None
    _noise_models: dict[tuple[int, ...], Any] = field(default_factory=dict)

    def execute(self, pub: Pub) -> PubResult:
        """Return the counts of all rows; the same PUB always gives the same ones.

        Raises:
            ResultIntegrityError: The payload was altered.
            PermanentProviderError: The circuit is not one that can be executed here.
            CapacityError: It is too wide.
        """
        bits, rows = len(pub.measured_qubits), int(pub.values.shape[0])
        key = fingerprint([pub.artefact_fingerprint, array_fingerprint(pub.values), self.identity])
        circuit = self._load(pub) if self.is_noisy else None
        kind = ExecutionKind.STATEVECTOR if circuit is None else self._kind(circuit)
        known = self.distributions.get(key, rows=rows, num_bits=bits) if self.distributions else None
        if known is not None:
            chunks: Iterator[np.ndarray] = iter([known])
        else:
            chunks = self._computed(circuit or self._load(pub), pub.values, kind)
            if self.distributions:
                chunks = self.distributions.keep(key, chunks, rows=rows, num_bits=bits)
        counts = sample(chunks, num_bits=bits, shots=pub.shots, seed=pub.seed)
        return PubResult(kernel_id=pub.kernel_id, counts=counts, execution=kind)

    def _load(self, pub: Pub) -> ParsedCircuit:
        circuit = payload.load(pub.payload, pub.payload_sha)
        return parse(circuit, num_slots=int(pub.values.shape[1]), measured_qubits=pub.measured_qubits)

    def _kind(self, circuit: ParsedCircuit) -> ExecutionKind:
        narrow = len(circuit.used_qubits) <= self.density_matrix_qubits
        return ExecutionKind.DENSITY_MATRIX if narrow else ExecutionKind.DEPOLARIZED

    def _computed(self, circuit: ParsedCircuit, values: np.ndarray, kind: ExecutionKind) -> Iterator[np.ndarray]:
        if kind is ExecutionKind.STATEVECTOR:
            yield from exact_distributions(circuit, values)
            return
        _noise.check_gates(circuit, self.document)
        readout = _noise.readout_errors(circuit, self.document)
        if kind is ExecutionKind.DENSITY_MATRIX:
            for chunk in noisy_distributions(circuit, values, self._noise_model(circuit.used_qubits)):
                yield with_readout_error(chunk, readout)
            return
        p_success = _noise.gate_success(circuit, self.document)
        for chunk in exact_distributions(circuit, values):
            yield with_readout_error(mixed_with_uniform(chunk, p_success), readout)

    def _noise_model(self, qubits: tuple[int, ...]) -> Any:
        """Return the noise model of some qubits, built once; two threads that build the same one do no harm."""
        if qubits not in self._noise_models:
            self._noise_models[qubits] = _noise.noise_model(self.document, qubits)
        return self._noise_models[qubits]
