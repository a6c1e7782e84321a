"""Plays the rounds of a workload, checking what `IterativeWorkload` promises. Keep out checks of scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hybrid_assets.model.fingerprint import canonical_json
from hybrid_assets.protocols import IterativeWorkload
from hybrid_assets.testing.fake_execution import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hybrid_assets.model.circuits import LogicalKernel
    from hybrid_assets.model.jobs import KernelResult
    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.protocols import Workload

#: A workload that still asks after so many rounds does not stop.
MAX_ROUNDS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """The rounds of one instance, executed exactly and sampled."""

    workload: Workload
    instance: ProblemInstance
    options: Any
    max_qubits: int
    shots: int
    _known: dict[tuple[str, bytes], KernelResult] = field(default_factory=dict)

    def first_round(self) -> Sequence[LogicalKernel]:
        """Return the first round's kernels.

        Raises:
            AssertionError: There are none, or asking twice gives two answers.
        """
        first, again = (
            self.workload.kernels(self.instance, options=self.options, max_qubits=self.max_qubits, shots=self.shots)
            for _ in range(2)
        )
        name = self.instance.name
        assert first, f"{name}: no kernels"
        assert [_content(k) for k in first] == [_content(k) for k in again], f"{name}: kernels changed"
        return first

    def all_rounds(
        self, fails: Callable[[LogicalKernel], bool]
    ) -> tuple[list[tuple[LogicalKernel, KernelResult]], list[LogicalKernel]]:
        """Play all rounds, in which some kernels fail for good.

        Returns:
            All results, and the kernels without one.

        Raises:
            AssertionError: A promise about rounds is broken; the message says which.
        """
        history: list[list[tuple[LogicalKernel, KernelResult]]] = []
        missing: list[LogicalKernel] = []
        labels: list[str] = []
        current = self.first_round()
        while current:
            labels += [kernel.label for kernel in current]
            self._check_round(current, labels, number=len(history))
            missing += [kernel for kernel in current if fails(kernel)]
            history.append([(kernel, self._result(kernel)) for kernel in current if not fails(kernel)])
            current = self._next_round(history)
        return [pair for done in history for pair in done], missing

    def _check_round(self, current: Sequence[LogicalKernel], labels: Sequence[str], *, number: int) -> None:
        name = self.instance.name
        assert len(set(labels)) == len(labels), f"{name}: labels are not unique: {labels}"
        assert number < MAX_ROUNDS, f"{name}: still asks for kernels after {MAX_ROUNDS} rounds"
        indices = {kernel.round_index for kernel in current}
        assert indices == {number}, f"{name}: round {number} has the round_index {sorted(indices)}"

    def _next_round(self, history: Sequence[Sequence[tuple[LogicalKernel, KernelResult]]]) -> Sequence[LogicalKernel]:
        if not isinstance(self.workload, IterativeWorkload):
            return ()
        first, again = (
            self.workload.next_round(
                self.instance,
                options=self.options,
                max_qubits=self.max_qubits,
                shots=self.shots,
                history=[list(done) for done in history],
            )
            for _ in range(2)
        )
        assert [_content(k) for k in first] == [_content(k) for k in again], (
            f"{self.instance.name}: the same history gives two rounds {len(history)}"
        )
        return first

    def _result(self, kernel: LogicalKernel) -> KernelResult:
        key = kernel.label, kernel.values.tobytes()
        if key not in self._known:
            self._known[key] = execute(kernel)
        return self._known[key]


def _content(kernel: LogicalKernel) -> tuple[Any, ...]:
    """Return all of a kernel that must not change between two calls; parameters by name, as their UUIDs do."""
    index = {bit: i for bits in (kernel.circuit.qubits, kernel.circuit.clbits) for i, bit in enumerate(bits)}
    gates = tuple(
        (
            step.operation.name,
            tuple(map(str, step.operation.params)),
            *(index[bit] for bit in (*step.qubits, *step.clbits)),
        )
        for step in kernel.circuit.data
    )
    facts = canonical_json([dict(kernel.facts), [dict(setting) for setting in kernel.settings]])
    return kernel.label, kernel.round_index, kernel.parameter_names, kernel.values.tolist(), kernel.shots, gates, facts
