"""Translation to OpenQASM and back from results: bit order, rows, and what is refused."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import RZZGate

from hybrid_assets.errors import CapacityError, JobFailedError, PermanentProviderError, ResultIntegrityError
from hybrid_assets.model.jobs import ExecutionKind
from hybrid_assets.providers import _braket_circuits, _braket_tasks
from hybrid_assets.providers._braket_device import read_device
from hybrid_assets.providers._braket_machine import BraketMachine
from hybrid_assets.providers._braket_results import pub_results
from hybrid_assets_tests.unit.providers.braket_aws import assert_sampled, capabilities, executed, options
from hybrid_assets_tests.unit.providers.pubs import direct_distributions, pub, request, slot

DEVICE = read_device(capabilities(qubits=range(7)), backend="garnet")
SHOTS = 500


def asymmetric():
    """Seven qubits, three bits, no symmetry between them: qubits 5, 2, 4 into bits 1, 0, 2, all through two slots."""
    circuit = QuantumCircuit(7, 3, global_phase=0.3)
    circuit.h(5)
    circuit.append(RZZGate(slot(1)), [5, 2])
    circuit.barrier()
    circuit.h(5)
    circuit.rx(slot(0), 4)
    circuit.cx(4, 2)
    circuit.ry(0.4, 2)
    circuit.sx(4)
    circuit.measure([5, 2, 4], [1, 0, 2])
    return circuit


VALUES = np.array([[0.3, 1.1], [np.pi, 0.0], [0.0, np.pi], [1.9, -0.7]])


def _results(job, *, change=lambda _: None):
    result = executed(_braket_tasks.action(job, DEVICE), _braket_tasks.total_shots(job))
    change(result)
    return pub_results(json.dumps(result), job.pubs, lambda *_: pytest.fail("nothing to read"))


def test_bit_i_of_an_outcome_is_classical_bit_i():
    """Of every row; outcomes read in any other order of bits are far off."""
    job = request(pub(asymmetric(), VALUES, shots=5 * SHOTS))
    (done,) = _results(job)
    exact = direct_distributions(asymmetric(), VALUES)
    assert_sampled(done.counts, exact, 5 * SHOTS)
    for order in list(permutations(range(3)))[1:]:
        other = exact.reshape(-1, 2, 2, 2).transpose(0, *(1 + axis for axis in order)).reshape(-1, 8)
        with pytest.raises(AssertionError):
            assert_sampled(done.counts, other, 5 * SHOTS)


def test_single_row_is_a_plain_program_and_rows_are_a_set():
    one = json.loads(_braket_tasks.action(request(pub(asymmetric(), VALUES[:1])), DEVICE))
    assert one["braketSchemaHeader"]["name"] == "braket.ir.openqasm.program"
    assert one["inputs"] == {"s00000": 0.3, "s00001": 1.1}
    several = json.loads(_braket_tasks.action(request(pub(asymmetric(), VALUES)), DEVICE))
    assert several["braketSchemaHeader"]["name"] == "braket.ir.openqasm.program_set"
    assert several["programs"][0]["inputs"] == {"s00000": VALUES[:, 0].tolist(), "s00001": VALUES[:, 1].tolist()}


def test_circuit_is_bound_to_the_devices_own_qubits_where_it_allows():
    source = json.loads(_braket_tasks.action(request(pub(asymmetric(), VALUES[:1])), DEVICE))["source"]
    assert "zz(s00001) $5, $2;" in source
    assert "b[1] = measure $5;" in source
    other = replace(DEVICE, has_physical_qubits=False)
    assert "$" not in json.loads(_braket_tasks.action(request(pub(asymmetric(), VALUES[:1])), other))["source"]


def test_pubs_of_a_job_keep_their_order():
    """Two pubs, one of them without slots and of one row, in one set."""
    plain = QuantumCircuit(7, 2)
    plain.x(6)
    plain.measure([6, 0], [0, 1])
    first, second = _results(
        request(pub(plain, np.zeros((1, 0)), kernel_id="a"), pub(asymmetric(), VALUES, kernel_id="b"))
    )
    assert (first.kernel_id, second.kernel_id) == ("a", "b")
    assert [part.tolist() for part in first.counts.row(0)] == [[1], [1000]]
    assert second.counts.num_rows == 4


def test_columns_are_read_by_their_names():
    """A result whose columns come in another order is the same result."""
    job = request(pub(asymmetric(), VALUES[1:2], shots=50))  # x on qubit 4, then a fair coin on it by sx

    def turn(result):
        result["measuredQubits"] = result["measuredQubits"][::-1]
        result["measurements"] = [shot[::-1] for shot in result["measurements"]]

    kept: list = []
    (plain,) = _results(job, change=lambda result: kept.append(json.loads(json.dumps(result))))
    turned = kept[0]
    turn(turned)
    (done,) = pub_results(json.dumps(turned), job.pubs, lambda *_: "")
    assert done.counts.outcomes.tolist() == plain.counts.outcomes.tolist()
    assert done.counts.counts.tolist() == plain.counts.counts.tolist()


def test_shares_of_shots_become_counts():
    def shares(result):
        result["measurements"] = None
        result["measurementProbabilities"] = {"100": 0.25, "011": 0.75}

    (done,) = _results(request(pub(asymmetric(), VALUES[:1], shots=8)), change=shares)
    # Columns are qubits 2, 5, 4, that is bits 0, 1, 2: "100" is bit 0, "011" bits 1 and 2.
    assert [part.tolist() for part in done.counts.row(0)] == [[1, 6], [2, 6]]


def _drop_a_shot(result):
    result["measurements"].pop()


def _other_qubits(result):
    result["measuredQubits"] = [2, 5, 3]


def _no_outcomes(result):
    result["measurements"] = None


def _too_wide(result):
    result["measurements"] = [[*shot, "0"] for shot in result["measurements"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_drop_a_shot, "has 999 shots instead of 1000"),
        (_other_qubits, r"qubits \[2, 4, 5\] were to be measured, the result is of \[2, 3, 5\]"),
        (_no_outcomes, "a result without measurements"),
        (_too_wide, "differ in width"),
    ],
)
def test_result_that_is_not_what_was_asked_for_is_refused(change, message):
    with pytest.raises(ResultIntegrityError, match=message):
        _results(request(pub(asymmetric(), VALUES[:1])), change=change)


def _drop_a_program(result):
    result["programResults"].pop()


def _drop_a_row(result):
    result["programResults"][1]["executableResults"].pop()


def _same_row_twice(result):
    result["programResults"][0]["executableResults"][1]["inputsIndex"] = 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_drop_a_program, "results of 2 programs, got 1"),
        (_drop_a_row, r"expected rows 0 to 3, got \[0, 1, 2\]"),
        (_same_row_twice, "has two results"),
    ],
)
def test_incomplete_set_is_refused(change, message):
    pubs = [pub(asymmetric(), VALUES, kernel_id=name, shots=20) for name in "ab"]
    with pytest.raises(ResultIntegrityError, match=message):
        _results(request(*pubs), change=change)


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"braketSchemaHeader": {"name": "braket.nothing", "version": "1"}}']
)
def test_foreign_file_is_refused(text):
    with pytest.raises(ResultIntegrityError, match="no document of Braket's schemas"):
        pub_results(text, request(pub(asymmetric(), VALUES)).pubs, lambda *_: "")


def test_failed_executable_blames_its_kernel():
    def fail(result):
        result["programResults"][1]["executableResults"][2] = {
            "braketSchemaHeader": {"name": "braket.task_result.program_set_executable_failure", "version": "1"},
            "inputsIndex": 2,
            "failureMetadata": {"failureReason": "too deep", "retryable": False, "category": "COMPILATION"},
        }

    pubs = [pub(asymmetric(), VALUES, kernel_id=name, shots=20) for name in "ab"]
    with pytest.raises(JobFailedError, match=r"of 1 of 2 kernels failed \(b\): too deep") as caught:
        _results(request(*pubs), change=fail)
    assert caught.value.facts["blamed_kernel_ids"] == ("b",)


def test_foreign_gate_is_refused():
    circuit = QuantumCircuit(2, 2)
    circuit.swap(0, 1)
    circuit.measure([0, 1], [0, 1])
    with pytest.raises(PermanentProviderError, match="has swap, which this provider does not translate"):
        _braket_circuits.load(pub(circuit, np.zeros((1, 0))))


def test_slots_without_values_are_refused():
    with pytest.raises(PermanentProviderError, match="has slots s00001 and 1 values a row"):
        _braket_circuits.load(pub(asymmetric(), VALUES[:, :1]))


@pytest.mark.parametrize(
    ("device", "pubs", "message"),
    [
        (replace(DEVICE, max_executables=None), [(4, 10)], "takes no program sets, so a task is one row"),
        (replace(DEVICE, max_executables=5), [(4, 10), (2, 10)], "has 6 rows; a task takes 5"),
        (DEVICE, [(1, 10), (1, 20)], "PUBs of different shots"),
        (DEVICE, [(1, 10_001)], "has 10001 shots a row; the device takes 1 to 10000"),
        (DEVICE, [(4, 6000)], "has 24000 shots in all; a program set takes 1 to 20000"),
        (replace(DEVICE, min_total_shots=100), [(4, 10)], "a program set takes 100 to 20000"),
    ],
)
def test_request_that_does_not_fit_into_a_task_is_split_by_its_owner(device, pubs, message):
    job = request(*(pub(asymmetric(), VALUES[:rows], shots=shots) for rows, shots in pubs))
    with pytest.raises(CapacityError, match=message):
        _braket_tasks.action(job, device)


def test_altered_circuit_is_refused():
    altered = replace(pub(asymmetric(), VALUES[:1]), payload_sha="0" * 64)
    with pytest.raises(PermanentProviderError, match="was altered on its way"):
        _braket_tasks.action(request(altered), DEVICE)


def test_bill_is_a_price_for_the_task_and_one_for_every_shot():
    """0.30 + 1000 x 0.00145 = 1.75; what failed or was cancelled is free; AWS tells no seconds, so none are billed."""
    task = {"status": "COMPLETED", "shots": 1000, "createdAt": None}
    bills = {
        status: _braket_tasks.report({**task, "status": status}, options(), started_at=None)
        for status in ("COMPLETED", "FAILED", "CANCELLED", "RUNNING")
    }
    assert {status: (told.billed_money, told.billed_s) for status, told in bills.items()} == {
        "COMPLETED": (pytest.approx(1.75), 0.0), "FAILED": (0.0, 0.0), "CANCELLED": (0.0, 0.0), "RUNNING": (None, None),
    }  # fmt: skip


def test_every_status_of_the_service_has_a_meaning():
    import botocore.session

    model = botocore.session.get_session().get_service_model("braket")
    assert set(model.shape_for("QuantumTaskStatus").enum) == set(_braket_tasks.STATUSES)


def test_simulator_is_entered_by_one_thread_at_a_time():
    """Two at once end the process (Numba's threads): each waits in vain for a second one to come in."""
    meeting, met = threading.Barrier(2), []

    class Backend:
        def run(self, _, *, shots):
            try:
                meeting.wait(timeout=0.1)
                met.append(True)
            except threading.BrokenBarrierError:
                pass
            self.counts = {"001": shots}
            return self

        def result(self):
            return self

        def get_counts(self):
            return self.counts

    machine = BraketMachine(document=DEVICE.target, simulator="braket_sv", kind=ExecutionKind.STATEVECTOR)
    vars(machine)["_backend"] = Backend()
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(machine.execute, [pub(asymmetric(), VALUES[:1]) for _ in range(2)]))
    assert not met
    assert [result.counts.outcomes.tolist() for result in done] == [[1], [1]]
