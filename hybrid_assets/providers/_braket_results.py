"""Braket's results -> counts in our bit order. Put formats of results here; keep fetching them out.

Braket names the qubit of every column (or character) of a result in ``measuredQubits``; outcomes are read by these
names, never by position, so an order that differs from the one asked for does no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import JobFailedError, ResultIntegrityError
from hybrid_assets.model.jobs import ExecutionKind, PubResult, RawCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hybrid_assets.model.jobs import Pub

    #: Distinct outcomes in increasing order (uint64) and how often each was seen (int64).
    Row = tuple[np.ndarray, np.ndarray]

#: What S3 calls the result of one program inside the folder of a program set.
_PROGRAM_FILE = "/results.json"


def joined(rows: Sequence[Row], *, num_bits: int) -> RawCounts:
    """Return the counts of consecutive rows."""
    return RawCounts(
        num_bits=num_bits,
        outcomes=np.concatenate([np.zeros(0, np.uint64), *(outcomes for outcomes, _ in rows)]),
        counts=np.concatenate([np.zeros(0, np.int64), *(counts for _, counts in rows)]),
        offsets=np.cumsum([0, *(outcomes.size for outcomes, _ in rows)], dtype=np.int64),
    )


def pub_results(text: str, pubs: Sequence[Pub], read: Callable[[str, str], str]) -> tuple[PubResult, ...]:
    """Decode the result file of a task.

    Args:
        text: The task's ``results.json``.
        pubs: What was asked for, in order.
        read: Returns the text of an object by bucket and key; the result of a program set may consist of many.

    Raises:
        JobFailedError: Executables of a program set failed; facts ``blamed_kernel_ids``.
        ResultIntegrityError: It is not a result of these PUBs: number of programs or rows, shots, qubits, format.
    """
    parsed = _parse(text)
    if hasattr(parsed, "programResults"):
        bucket, folder = parsed.s3Location or ("", "")
        programs = [_program_rows(item, folder, lambda key: read(bucket, key)) for item in parsed.programResults]
    else:
        programs = [{0: parsed}]
    if len(programs) != len(pubs):
        raise ResultIntegrityError(f"Expected the results of {len(pubs)} programs, got {len(programs)}.")
    _refuse_failures(programs, pubs)
    return tuple(_pub_result(rows, pub) for rows, pub in zip(programs, pubs, strict=True))


def _parse(text: str) -> Any:
    from braket.schema_common import BraketSchemaBase  # noqa: PLC0415 - the SDK takes two seconds

    try:
        return BraketSchemaBase.parse_raw_schema(text)
    # A foreign or cut file: not JSON or a field off (ValueError), an unknown schema (ImportError, AttributeError).
    except (ValueError, ImportError, AttributeError) as exc:
        raise ResultIntegrityError(f"The result is no document of Braket's schemas: {exc}") from exc


def _program_rows(item: Any, folder: str, read: Callable[[str], str]) -> dict[int, Any]:
    """Return the executables of one program of a set by their row; each may be inline or an object of its own."""
    if isinstance(item, str):
        key = f"{folder}/{item}"
        folder, item = key.removesuffix(_PROGRAM_FILE), _parse(read(key))
    found: dict[int, Any] = {}
    for part in item.executableResults:
        executable = _parse(read(f"{folder}/{part}")) if isinstance(part, str) else part
        if executable.inputsIndex in found:
            raise ResultIntegrityError(f"Row {executable.inputsIndex} of a program has two results.")
        found[executable.inputsIndex] = executable
    return found


def _refuse_failures(programs: Sequence[dict[int, Any]], pubs: Sequence[Pub]) -> None:
    reasons = {
        pub.kernel_id: executable.failureMetadata.failureReason
        for rows, pub in zip(programs, pubs, strict=True)
        for executable in rows.values()
        if hasattr(executable, "failureMetadata")
    }
    if reasons:
        first = next(iter(reasons.values()))
        raise JobFailedError(
            f"Executables of {len(reasons)} of {len(pubs)} kernels failed ({', '.join(reasons)}): {first}",
            blamed_kernel_ids=tuple(reasons),
        )


def _pub_result(rows: dict[int, Any], pub: Pub) -> PubResult:
    wanted = int(pub.values.shape[0])
    if sorted(rows) != list(range(wanted)):
        raise ResultIntegrityError(f"Kernel {pub.kernel_id}: expected rows 0 to {wanted - 1}, got {sorted(rows)}.")
    counts = joined([_row(rows[i], pub) for i in range(wanted)], num_bits=len(pub.measured_qubits))
    counts.verify(num_bits=len(pub.measured_qubits), rows=wanted, shots=pub.shots)
    return PubResult(kernel_id=pub.kernel_id, counts=counts, execution=ExecutionKind.QPU)


def _row(executable: Any, pub: Pub) -> Row:
    weights = _weights(executable.measuredQubits or (), pub)
    if executable.measurements:
        bits = np.asarray(executable.measurements, dtype=np.uint64)
        times = np.ones(bits.shape[0], dtype=np.int64)
    elif executable.measurementProbabilities:
        # Such devices report shares of the shots.
        shares = executable.measurementProbabilities
        bits = np.array([[int(char) for char in outcome] for outcome in shares], dtype=np.uint64)
        times = np.array([round(share * pub.shots) for share in shares.values()], dtype=np.int64)
    else:
        raise ResultIntegrityError(f"Kernel {pub.kernel_id}: a result without measurements.")
    if bits.ndim != 2 or bits.shape[1] != weights.size:
        raise ResultIntegrityError(f"Kernel {pub.kernel_id}: outcomes and measured qubits differ in width.")
    return _tallied(bits @ weights, times)


def _tallied(outcomes: np.ndarray, times: np.ndarray) -> Row:
    seen, where = np.unique(outcomes, return_inverse=True)
    total = np.zeros(seen.size, dtype=np.int64)
    np.add.at(total, where, times)
    return seen[total > 0], total[total > 0]


def _weights(measured: Iterable[int], pub: Pub) -> np.ndarray:
    """Return what a one in each column adds to the outcome: ``2**i`` where the column's qubit is bit i's."""
    bit = {qubit: i for i, qubit in enumerate(pub.measured_qubits)}
    columns = list(measured)
    if sorted(columns) != sorted(bit):
        raise ResultIntegrityError(
            f"Kernel {pub.kernel_id}: qubits {sorted(bit)} were to be measured, the result is of {sorted(columns)}."
        )
    return np.array([1 << bit[qubit] for qubit in columns], dtype=np.uint64)
