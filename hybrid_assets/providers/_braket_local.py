"""Braket's local simulators as a provider. Put the protocol's methods here; execution is `_braket_machine`'s."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.errors import CapacityError
from hybrid_assets.model.circuits import TargetOperation
from hybrid_assets.model.jobs import (
    ExecutionKind,
    JobLimits,
    ProviderDescription,
)
from hybrid_assets.providers._braket_circuits import GATES
from hybrid_assets.providers._braket_machine import BraketMachine
from hybrid_assets.providers._braket_options import parse_local
from hybrid_assets.providers._local_provider import LocalProvider

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument
    from hybrid_assets.model.jobs import JobRequest
    from hybrid_assets.providers._braket_options import LocalOptions

NAME = "braket"
#: Raise it when the same circuit and values give other distributions.
SCHEME = 1
#: Simulator -> how its numbers come about, and the widest circuit it takes (its own ``qubitCount``).
SIMULATED = {"braket_sv": (ExecutionKind.STATEVECTOR, 26), "braket_dm": (ExecutionKind.DENSITY_MATRIX, 13)}
#: PUBs of one job: small jobs, so that one is simulated while another is stored.
MAX_PUBS = 12


class LocalBraket(LocalProvider):
    """One local simulator; its samples are not seeded, but stored: a result is the same every time it is fetched."""

    def __init__(self, backend: str, options: LocalOptions, state: Path) -> None:
        super().__init__(backend, state)
        self._simulator = options.simulator

    @classmethod
    def from_settings(cls, backend: str, options: Mapping[str, Any], state: Path) -> LocalBraket:
        """Make the provider of a backend.

        Raises:
            ConfigurationError: An option is unknown, missing or wrong.
        """
        return cls(backend, parse_local(options, backend), state)

    def limits(self) -> JobLimits:
        """Return limits that keep a job's files and memory small; Braket's simulator keeps every shot in memory."""
        return JobLimits(max_pubs=MAX_PUBS, max_payload_bytes=64 << 20, max_shots=1_000_000)

    def _require_room(self, request: JobRequest) -> None:
        _, widest = SIMULATED[self._simulator]
        for pub in request.pubs:
            if (width := len(pub.measured_qubits)) > widest:
                raise CapacityError(f"Kernel {pub.kernel_id} has {width} qubits; {self._simulator} takes {widest}.")

    @cached_property
    def _document(self) -> TargetDocument:
        return build_target_document(
            backend=self._backend,
            num_qubits=None,
            operations=[TargetOperation(name=name, qubits=None) for name in (*GATES, "measure")],
        )

    @cached_property
    def _description(self) -> ProviderDescription:
        simulator = version("amazon-braket-default-simulator")
        return ProviderDescription(
            provider=NAME,
            version=simulator,
            backend=self._backend,
            identity=f"{NAME} {simulator} scheme {SCHEME}: {self._simulator}, ideal, samples not seeded",
            is_metered=False,
            is_simulator=True,
            supports_find=True,
            supports_cancel=True,
            listing_lag_s=0.0,
        )

    @cached_property
    def _machine(self) -> BraketMachine:
        kind, _ = SIMULATED[self._simulator]
        return BraketMachine(document=self._document, simulator=self._simulator, kind=kind)
