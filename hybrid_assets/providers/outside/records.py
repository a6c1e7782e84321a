"""What travels: requests, reports and results, as plain data and as parcels. Put records both sides use here.

The parent writes a `Request` with Qiskit's newest QPY version that both sides read; an adapter sees circuits only
through `Pub.circuit`.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: A circuit of 3,000 gates takes 0.2 MB unpacked; more than this is a mistake.
MAX_CIRCUIT_BYTES = 64 << 20

_PUB_FACTS = ("kernel_id", "artefact_fingerprint", "measured_qubits", "shots", "seed")
_COUNT_FACTS = ("kernel_id", "num_bits", "execution")
_COUNT_ARRAYS = ("outcomes", "counts", "offsets")


@dataclass(frozen=True)
class Pub:
    """One compiled circuit with its rows of values."""

    kernel_id: str
    artefact_fingerprint: str
    #: Physical qubit of each classical bit, bit 0 first.
    measured_qubits: tuple[int, ...]
    #: Shots of each row.
    shots: int
    #: Seed of the sampling, where the backend can be seeded.
    seed: int
    #: zlib-compressed QPY.
    qpy: bytes
    #: Slot values in radians, shape (rows, slots); column i is the parameter ``s{i:05d}``.
    values: np.ndarray

    def circuit(self) -> Any:
        """Return the ``QuantumCircuit``, as wide as the target, its parameters unbound.

        Raises:
            AdapterError: It is too large, or Qiskit cannot read it.
        """
        import warnings  # noqa: PLC0415 - only with a circuit

        from qiskit import qpy  # noqa: PLC0415 - costs half a second; an adapter may do without
        from qiskit.exceptions import QiskitError  # noqa: PLC0415 - as above

        unpacker = zlib.decompressobj()
        try:
            content = unpacker.decompress(self.qpy, MAX_CIRCUIT_BYTES + 1)
            if len(content) > MAX_CIRCUIT_BYTES:
                raise AdapterError("capacity", f"{self.kernel_id}: its circuit exceeds {MAX_CIRCUIT_BYTES} bytes.")
            with warnings.catch_warnings():
                # Written by a newer Qiskit, at a version agreed on at the handshake: nothing to warn of.
                warnings.filterwarnings("ignore", message="The qiskit version used to generate the provided QPY")
                return qpy.load(io.BytesIO(content))[0]
        except (zlib.error, QiskitError, ValueError, KeyError, EOFError) as exc:
            raise AdapterError("permanent", f"{self.kernel_id}: its circuit cannot be read: {exc}") from exc

    def bound_circuits(self) -> list[Any]:
        """Return one circuit for each row, its values bound: for backends that take no parameter arrays."""
        circuit = self.circuit()
        columns = {parameter: int(parameter.name[1:]) for parameter in circuit.parameters}
        return [
            circuit.assign_parameters({parameter: float(row[column]) for parameter, column in columns.items()})
            for row in self.values
        ]


@dataclass(frozen=True)
class Request:
    """One batch to execute; ``request_id`` must travel as the job's tag where the service has tags."""

    request_id: str
    backend: str
    pubs: tuple[Pub, ...]
    #: Options of the submission, JSON values.
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_parcel(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the document and arrays of a parcel."""
        document = {
            "request_id": self.request_id,
            "backend": self.backend,
            "options": dict(self.options),
            "pubs": [{name: getattr(pub, name) for name in _PUB_FACTS} for pub in self.pubs],
        }
        arrays = {f"qpy_{i}": np.frombuffer(pub.qpy, dtype=np.uint8) for i, pub in enumerate(self.pubs)}
        arrays |= {f"values_{i}": np.asarray(pub.values, dtype=np.float64) for i, pub in enumerate(self.pubs)}
        return document, arrays

    @classmethod
    def from_parcel(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Request:
        """Rebuild a request."""
        pubs = tuple(
            Pub(
                **{**facts, "measured_qubits": tuple(facts["measured_qubits"])},
                qpy=arrays[f"qpy_{i}"].tobytes(),
                values=arrays[f"values_{i}"],
            )
            for i, facts in enumerate(document["pubs"])
        )
        return cls(document["request_id"], document["backend"], pubs, document["options"])


@dataclass(frozen=True)
class PubCounts:
    """Raw outcomes of one PUB, row after row; bit i of an outcome is classical bit i."""

    kernel_id: str
    num_bits: int
    #: ``qpu``, or for simulators ``statevector``, ``density_matrix``, ``depolarized_mixture``.
    execution: str
    #: Distinct outcomes of each row in increasing order, uint64.
    outcomes: np.ndarray
    #: How often each was seen, int64, all positive.
    counts: np.ndarray
    #: Row r owns entries ``offsets[r]:offsets[r + 1]``, int64.
    offsets: np.ndarray


@dataclass(frozen=True)
class Result:
    """Everything a finished job gives. Times are ISO 8601 with an offset."""

    pubs: tuple[PubCounts, ...]
    started_at: str
    finished_at: str
    #: Seconds the service bills; 0.0 for a simulator.
    billed_s: float = 0.0

    def to_parcel(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the document and arrays of a parcel."""
        document = {name: getattr(self, name) for name in ("started_at", "finished_at", "billed_s")}
        document["pubs"] = [{name: getattr(pub, name) for name in _COUNT_FACTS} for pub in self.pubs]
        arrays = {f"{name}_{i}": getattr(pub, name) for i, pub in enumerate(self.pubs) for name in _COUNT_ARRAYS}
        return document, arrays

    @classmethod
    def from_parcel(cls, document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Result:
        """Rebuild a result."""
        pubs = tuple(
            PubCounts(**{**facts, **{name: arrays[f"{name}_{i}"] for name in _COUNT_ARRAYS}})
            for i, facts in enumerate(document["pubs"])
        )
        return cls(pubs, document["started_at"], document["finished_at"], document["billed_s"])


@dataclass(frozen=True)
class Report:
    """Where a job is. Times are ISO 8601 with an offset."""

    #: QUEUED, RUNNING, SUCCEEDED, FAILED or CANCELLED.
    status: str
    #: The service's own code and words when it failed.
    error_code: str | None = None
    message: str | None = None
    #: A kind of `AdapterError` that says what the failure lets the parent do; None: a person decides.
    error_kind: str | None = None
    #: Kernels the service blames.
    blamed_kernel_ids: tuple[str, ...] = ()
    #: Seconds billed so far, where the status tells it.
    billed_s: float | None = None
    submitted_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    queue_position: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether the job will not change any more."""
        return self.status in {"SUCCEEDED", "FAILED", "CANCELLED"}

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def counts_of_rows(
    rows: Sequence[Mapping[int, int]], *, kernel_id: str, num_bits: int, execution: str = "qpu"
) -> PubCounts:
    """Return the counts of a PUB from one mapping outcome -> times for each row, in the order of the rows."""
    ordered = [sorted(row.items()) for row in rows]
    entries = [entry for row in ordered for entry in row]
    return PubCounts(
        kernel_id=kernel_id,
        num_bits=num_bits,
        execution=execution,
        outcomes=np.array([outcome for outcome, _ in entries], dtype=np.uint64),
        counts=np.array([times for _, times in entries], dtype=np.int64),
        offsets=np.cumsum([0, *map(len, ordered)], dtype=np.int64),
    )


def now() -> str:
    """Return the time as the protocol writes it."""
    return datetime.now(timezone.utc).isoformat()  # noqa: UP017 - the environment may have Python 3.10
