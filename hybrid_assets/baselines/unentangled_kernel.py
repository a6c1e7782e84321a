"""The same feature-map kernel without entanglement: the mandatory control of a quantum kernel.

Without entanglement the kernel is a product over qubits, computed exactly in microseconds. Where it does as well, the
entangled circuit bought nothing (arXiv:2403.07059).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybrid_assets.baselines._folds import LIBRARIES, FoldTask, learn_kernel, solve_folds
from hybrid_assets.circuits.feature_map import kernel_matrix
from hybrid_assets.model.problem import LabeledData
from hybrid_assets.model.results import Role
from hybrid_assets.scoring.folds import project

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from hybrid_assets.model.problem import ProblemInstance
    from hybrid_assets.model.results import BaselineResult


class UnentangledKernel:
    """Exact kernel of the feature map without its two-qubit gates, with a bandwidth of its own."""

    name = "unentangled_kernel"
    version = f"1 ({LIBRARIES})"

    def supports(self, instance: ProblemInstance) -> bool:
        """Labeled data."""
        return isinstance(instance.problem, LabeledData)

    def solve(self, instance: ProblemInstance, *, seed: int, limit_s: float) -> BaselineResult:
        """Tune bandwidth and C inside the training rows, on the same grid as the entangled kernel.

        Raises:
            ConfigurationError: The instance is not supported.
        """
        return solve_folds(self, instance, _learn, seed=seed, limit_s=limit_s, role=Role.CONTROL)


def _learn(task: FoldTask) -> tuple[np.ndarray, Mapping[str, Any]]:
    train, test = project(task.data, task.fold)
    # Wide first, so that it wins a tie as it does for the entangled kernel.
    bandwidths = task.grid.bandwidths[::-1]
    kernels = [
        (
            kernel_matrix(b * train, b * train, repetitions=task.grid.repetitions, entanglement="none"),
            kernel_matrix(b * test, b * train, repetitions=task.grid.repetitions, entanglement="none"),
        )
        for b in bandwidths
    ]
    predicted, chosen, facts = learn_kernel(task, kernels, task.grid.costs)
    return predicted, {"bandwidth": bandwidths[chosen], **facts}
