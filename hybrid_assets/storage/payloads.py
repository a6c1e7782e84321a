"""What the queue's kernels need to be submitted, by kernel id, for whichever process submits them.

Put the form on disk here. A payload is written before its kernel is enqueued and never changes: circuits once for all
kernels that share them, slot values and facts a kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybrid_assets.circuits.payload import MAX_PACKED_BYTES, payload_sha
from hybrid_assets.errors import CompilationError
from hybrid_assets.model.jobs import Pub
from hybrid_assets.storage.files import set_aside, sharded_path, write_once
from hybrid_assets.storage.loading import read_capped
from hybrid_assets.storage.sealed import DAMAGE, read_sealed, seal

if TYPE_CHECKING:
    from pathlib import Path

_PLAIN = ("kernel_id", "payload_sha", "artefact_fingerprint", "expected_success", "shots", "seed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KernelPayload:
    """A kernel as it is submitted, and what its result will have to say about its making."""

    pub: Pub
    compiled_calibration_id: str
    #: Calibration that was in force when it was asked for; empty: not known.
    asked_calibration_id: str = ""


class PayloadStore:
    """A folder of payloads; safe for many processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, payload: KernelPayload) -> None:
        """Store a payload durably, the first of a kernel id is kept."""
        pub = payload.pub
        facts = {name: getattr(pub, name) for name in _PLAIN}
        facts |= {
            "measured_qubits": list(pub.measured_qubits),
            "calibration_id": payload.compiled_calibration_id,
            "asked_calibration_id": payload.asked_calibration_id,
        }
        write_once(sharded_path(self._folder / "circuits", pub.payload_sha, ".qpyz"), pub.payload)
        write_once(sharded_path(self._folder / "kernels", pub.kernel_id, ".npz"), seal(facts, {"values": pub.values}))

    def get(self, kernel_id: str) -> KernelPayload:
        """Return a verified payload.

        Raises:
            CompilationError: It is missing or damaged (then set aside); materializing its night again writes it.
        """
        path = sharded_path(self._folder / "kernels", kernel_id, ".npz")
        try:
            facts, arrays = read_sealed(path)
            circuit = sharded_path(self._folder / "circuits", facts["payload_sha"], ".qpyz")
            payload = read_capped(circuit, MAX_PACKED_BYTES)
        except FileNotFoundError as exc:
            raise _unusable(kernel_id, "is missing") from exc
        except DAMAGE as exc:
            set_aside(path)
            raise _unusable(kernel_id, "is damaged and was set aside") from exc
        if facts["kernel_id"] != kernel_id or payload_sha(payload) != facts["payload_sha"]:
            set_aside(circuit)
            raise _unusable(kernel_id, "is not its own and was set aside")
        pub = Pub(
            **{name: facts[name] for name in _PLAIN},
            payload=payload,
            measured_qubits=tuple(facts["measured_qubits"]),
            values=arrays["values"],
        )
        return KernelPayload(
            pub=pub,
            compiled_calibration_id=facts["calibration_id"],
            asked_calibration_id=facts.get("asked_calibration_id", ""),  # absent in older files
        )


def _unusable(kernel_id: str, what: str) -> CompilationError:
    return CompilationError(f"The payload of kernel {kernel_id} {what}. Materialize its night again to write it.")
