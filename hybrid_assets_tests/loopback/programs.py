"""The two programs a client may send: their parameters -> circuits, and outcomes -> their results.

Put the formats of programs here, always through the client's own codecs; keep jobs and simulation out. ``sampler`` is
what the top-level ``SamplerV2`` sends, ``executor`` what ``qiskit_ibm_runtime.executor_sampler.Sampler`` does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets_tests.loopback.wire import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Shots where neither the PUB nor the options say any, as in the client's documentation.
DEFAULT_SHOTS = 4096
#: The only version of ``executor`` that this client sends.
EXECUTOR_VERSION = "v2.0"
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One circuit and its rows."""

    circuit: Any
    #: Shape (*shape, number of parameters), in the order of ``circuit.parameters``.
    values: np.ndarray
    shots: int
    #: Arrays that go into the result as they are (flips of twirled measurements).
    extras: Mapping[str, np.ndarray]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its rows."""
        return self.values.shape[:-1]

    @property
    def executions(self) -> int:
        """Rows x shots."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.shots


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What was measured of one task."""

    #: Width of each classical register, and the place of its bits among the circuit's.
    registers: Mapping[str, tuple[int, ...]]
    #: Shape (*shape, shots), uint64; bit i is classical bit i of the circuit.
    shots: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A decoded program."""

    program: str
    tasks: tuple[Task, ...]
    #: What the result repeats of the parameters (``executor`` only).
    model: Any = None


def decode(program: str, params: Mapping[str, Any]) -> Work:
    """Return what a POST asks for.

    Raises:
        Refused: The program is unknown, or its parameters are not what it takes.
    """
    if program not in {"sampler", "executor"}:
        raise Refused(404, 1003, f"Program {program!r} is not known here.")
    try:
        return _sampler(params) if program == "sampler" else _executor(params)
    except Refused:
        raise
    except Exception as exc:  # codecs raise whatever they like, and a bad request must not end the server
        raise Refused(400, 1001, f"The parameters cannot be read: {type(exc).__name__}: {exc}") from exc


def encode(work: Work, outcomes: Sequence[Outcomes], extras: Sequence[Mapping[str, np.ndarray]]) -> str:
    """Return the result of a program as its text.

    Args:
        work: The program.
        outcomes: Of its tasks, in order, or of fewer (a spoiled result).
        extras: What goes into each task's result as it is.
    """
    if work.program == "sampler":
        return _sampler_result(outcomes)
    return _executor_result(work, outcomes, extras)


def _sampler(params: Mapping[str, Any]) -> Work:
    from qiskit_ibm_runtime import RuntimeDecoder

    decoded = json.loads(json.dumps(params), cls=RuntimeDecoder)
    default = decoded.get("options", {}).get("default_shots") or DEFAULT_SHOTS
    tasks = []
    for circuit, values, shots in decoded["pubs"]:
        table = np.asarray(values, dtype=np.float64)
        tasks.append(Task(circuit=circuit, values=table, shots=int(shots or default), extras={}))
    return Work(program="sampler", tasks=tuple(tasks))


def _sampler_result(outcomes: Sequence[Outcomes]) -> str:
    from qiskit.primitives.containers import BitArray, DataBin, PrimitiveResult, SamplerPubResult
    from qiskit_ibm_runtime import RuntimeEncoder

    pubs = []
    for measured in outcomes:
        arrays = {
            name: BitArray(_packed(_register(measured.shots, places), len(places)), len(places))
            for name, places in measured.registers.items()
        }
        data = DataBin(**arrays, shape=measured.shots.shape[:-1])
        pubs.append(SamplerPubResult(data, metadata={"circuit_metadata": {}}))
    return json.dumps(PrimitiveResult(pubs, metadata={"version": 2}), cls=RuntimeEncoder)


def _executor(params: Mapping[str, Any]) -> Work:
    from qiskit_ibm_runtime.quantum_program.params_converters import QUANTUM_PROGRAM_PARAMS_CONVERTERS

    if (version := params.get("schema_version")) != EXECUTOR_VERSION:
        raise Refused(400, 1001, f"This service reads executor {EXECUTOR_VERSION}, not {version}. Teach it to.")
    converter = QUANTUM_PROGRAM_PARAMS_CONVERTERS[EXECUTOR_VERSION]
    model = converter.model(**params)
    program, _ = converter.decoder(model)
    if program.meas_level != "classified":
        raise Refused(400, 1001, f"This service measures classified bits only, not {program.meas_level!r}.")
    return Work(
        program="executor", tasks=tuple(_executor_task(item, program.shots) for item in program.items), model=model
    )


def _executor_task(item: Any, shots: int) -> Task:
    from qiskit_ibm_runtime.fake_provider.executor.broadcast_sample import broadcast_sample

    if hasattr(item, "samplex"):
        drawn = broadcast_sample(
            item.samplex.finalize(), item.samplex_arguments, item.shape, np.random.default_rng(SEED)
        )
        values = drawn.pop("parameter_values")
        return Task(circuit=item.circuit, values=values, shots=shots, extras=drawn)
    values = item.circuit_arguments
    if values is None or not item.circuit.num_parameters:
        values = np.zeros((0,))
    return Task(circuit=item.circuit, values=np.asarray(values, dtype=np.float64), shots=shots, extras={})


def _executor_result(work: Work, outcomes: Sequence[Outcomes], extras: Sequence[Mapping[str, np.ndarray]]) -> str:
    from ibm_quantum_schemas.common import CompressedTensorModel
    from ibm_quantum_schemas.executor.version_2_0 import QuantumProgramResultModel
    from ibm_quantum_schemas.executor.version_2_0.models import (
        ItemMetadataModel,
        MetadataModel,
        QuantumProgramResultItemModel,
    )

    items = []
    for measured, added in zip(outcomes, extras, strict=False):
        arrays = dict(added) | {
            name: (measured.shots[..., None] >> np.array(places, dtype=np.uint64) & np.uint64(1)).astype(bool)
            for name, places in measured.registers.items()
        }
        results = {name: CompressedTensorModel.from_numpy(array) for name, array in arrays.items()}
        items.append(QuantumProgramResultItemModel(results=results, metadata=ItemMetadataModel()))
    program = work.model.quantum_program
    return QuantumProgramResultModel(
        data=items,
        metadata=MetadataModel(chunk_timing=[]),
        passthrough_data=program.passthrough_data,
        semantic_role=program.semantic_role,
    ).model_dump_json()


def _register(shots: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """Return the values of a register, bit i of them the circuit's bit ``places[i]``."""
    value = np.zeros_like(shots)
    for bit, place in enumerate(places):
        value |= (shots >> np.uint64(place) & np.uint64(1)) << np.uint64(bit)
    return value


def _packed(values: np.ndarray, num_bits: int) -> np.ndarray:
    """Return values as bytes, most significant first, shape (*values.shape, bytes): the layout of a ``BitArray``."""
    num_bytes = -(-num_bits // 8)
    shifts = np.arange(8 * (num_bytes - 1), -1, -8, dtype=np.uint64)
    return (values[..., None] >> shifts & np.uint64(255)).astype(np.uint8)
