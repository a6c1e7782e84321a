"""Workload `portfolio`: choose exactly B of N assets by mean and variance, QAOA on a QUBO with a budget penalty.

Put the life of an instance here, from a price table to its scores. Its parts have their own files: refusals of files
(`_portfolio_prices`), finance and penalty (`_portfolio_objective`), options (`_portfolio_options`) and what is done to
samples (`_portfolio_scoring`). All values are those of the original objective in 1/year; the penalty only shapes
circuits, the choice of a grid's row and the descent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.circuits.angles import coupling_scale, grid_angles, ramp_angles
from hybrid_assets.circuits.qaoa import qaoa_circuit, qaoa_values
from hybrid_assets.errors import CapacityError, IncomparableError, ProblemError
from hybrid_assets.model.circuits import LogicalKernel
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.problem import BinaryQuadratic, ProblemInstance, problem_to_document
from hybrid_assets.scoring.samples import outcome_bits
from hybrid_assets.scoring.statistics import weighted_mean_interval
from hybrid_assets.workloads._csv_input import instance_name
from hybrid_assets.workloads._portfolio_objective import (
    auto_penalty,
    mean_variance,
    moments,
    observed_periods_per_year,
    penalized_qubo,
)
from hybrid_assets.workloads._portfolio_options import parse_portfolio_options
from hybrid_assets.workloads._portfolio_prices import read_prices
from hybrid_assets.workloads._portfolio_scoring import Panel, controls_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hybrid_assets.model.jobs import KernelResult, RawCounts
    from hybrid_assets.model.results import Reference, Score
    from hybrid_assets.workloads._portfolio_options import PortfolioOptions
    from hybrid_assets.workloads._portfolio_prices import Prices


class Portfolio:
    """Choose B of N assets: maximize ``mean.x - q x^T covariance x`` with exactly B ones.

    Methods: ``qaoa_p<depth>`` and ``qaoa_p<depth>+descent``. Controls: ``random_bits``, ``random_bits+descent`` and, as
    the constraint is the hard part, ``random_feasible``: uniform over the points that hold exactly B assets. No descent
    is added to the last, because one flip never leaves a feasible point (see `auto_penalty`).
    """

    name = "portfolio"
    version = "1"
    metric = "approximation_ratio"
    metric_is_relative = True
    description = "Choose B of N assets by mean and variance from real prices"

    def parse_options(self, raw: Mapping[str, Any]) -> PortfolioOptions:
        """Return the typed options of the workload's section.

        Raises:
            ConfigurationError: A key is unknown or a value is wrong.
        """
        return parse_portfolio_options(raw)

    def load(self, path: Path, *, source: str, options: PortfolioOptions) -> ProblemInstance:
        """Read a price table and turn it into an objective; assets are in the order of their names.

        Raises:
            ProblemError: The file is refused, or has too few assets for the budget.
        """
        name = instance_name(path, source=source)
        prices = read_prices(path, source=source)
        budget = _budget(options, prices, source)
        periods = options.periods_per_year or observed_periods_per_year(prices)
        mean, covariance = moments(prices, periods_per_year=periods)
        problem = mean_variance(mean, covariance, budget=budget, risk_aversion=options.risk_aversion)
        return ProblemInstance(
            workload=self.name,
            name=name,
            fingerprint=fingerprint({"workload": self.name, "problem": problem_to_document(problem)}),
            num_variables=problem.num_variables,
            source=source,
            problem=problem,
            facts={
                "assets": list(prices.assets),
                "budget": budget,
                "risk_aversion": options.risk_aversion,
                "returns": "simple",
                "num_returns": len(prices.dates) - 1,
                "periods_per_year": periods,
                "first_date": prices.dates[0].isoformat(),
                "last_date": prices.dates[-1].isoformat(),
            },
        )

    def kernels(
        self, instance: ProblemInstance, *, options: PortfolioOptions, max_qubits: int, shots: int
    ) -> Sequence[LogicalKernel]:
        """Return one kernel a depth, in the order of the options.

        Raises:
            CapacityError: The instance needs more qubits than a kernel may have; this workload does not decompose.
        """
        problem = _objective(instance)
        if problem.num_variables > max_qubits:
            raise CapacityError(
                f"portfolio {instance.name!r} needs {problem.num_variables} qubits, one an asset, but max_qubits is "
                f"{max_qubits}, and this workload does not decompose. Raise max_qubits or use fewer assets."
            )
        qubo = penalized_qubo(problem, _penalty(problem, options))
        return tuple(_kernel(instance, qubo, depth, options=options, shots=shots) for depth in options.depths)

    def evaluate(
        self,
        instance: ProblemInstance,
        kernel: LogicalKernel,  # noqa: ARG002 - every kernel of an instance has the same outcomes
        counts: RawCounts,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and the best objective of each row's feasible samples, NaN where a row has none."""
        problem = _objective(instance)
        expected, best = np.full((2, counts.num_rows), np.nan)
        for row in range(counts.num_rows):
            outcomes, times = counts.row(row)
            bits = outcome_bits(outcomes, problem.num_variables)
            if (feasible := problem.feasible(bits)).any():
                values = problem.values(bits[feasible])
                expected[row], best[row] = weighted_mean_interval(values, times[feasible])[0], values.max()
        return expected, best

    def score(
        self,
        instance: ProblemInstance,
        *,
        options: PortfolioOptions,
        results: Sequence[tuple[LogicalKernel, KernelResult]],
        reference: Reference | None,
        missing: Sequence[LogicalKernel] = (),
    ) -> Sequence[Score]:
        """Score each kernel with and without descent, then the controls.

        Of a grid the row with the best mean penalized objective counts, as somebody who tunes angles would choose. Its
        ``shots`` are those of the whole grid, and the controls draw as many samples as the largest kernel has shots. A
        depth whose kernel ended without a result has no value; without any result the controls draw what was asked.
        """
        problem = _objective(instance)
        penalty = _penalty(problem, options)
        panel = Panel(
            problem=problem,
            qubo=penalized_qubo(problem, penalty),
            penalty=penalty,
            reference=reference,
            descent=options.descent,
        )
        scores = [score for kernel, result in results for score in panel.quantum(kernel, result)]
        scores += [score for kernel in missing for score in panel.failed(kernel)]
        taken = [result.shots * result.counts.num_rows for _, result in results]
        if samples := max(taken or [kernel.shots * kernel.values.shape[0] for kernel in missing], default=0):
            scores += panel.controls(samples=samples, fingerprint=instance.fingerprint)
        return tuple(scores)

    def controls_of(self, method: str) -> Sequence[str]:
        """Return random bits with the same post-processing, and uniform feasible points; nothing for other methods."""
        return controls_of(method)


def _objective(instance: ProblemInstance) -> BinaryQuadratic:
    if instance.workload != Portfolio.name or not isinstance(instance.problem, BinaryQuadratic):
        raise IncomparableError(
            f"{instance.name!r} is an instance of {instance.workload!r}, not of {Portfolio.name!r}; load it there."
        )
    return instance.problem


def _budget(options: PortfolioOptions, prices: Prices, source: str) -> int:
    count = len(prices.assets)
    budget = count // 2 if options.budget is None else options.budget
    if budget >= count:
        raise ProblemError(
            f"has {count} assets; a budget of {budget} leaves no choice. Lower portfolio.budget to at most {count - 1}",
            file=source,
        )
    return budget


def _penalty(problem: BinaryQuadratic, options: PortfolioOptions) -> float:
    return auto_penalty(problem) if options.penalty is None else options.penalty


def _kernel(
    instance: ProblemInstance, qubo: BinaryQuadratic, depth: int, *, options: PortfolioOptions, shots: int
) -> LogicalKernel:
    """Build the kernel of a depth, its phases scaled by the QUBO's couplings.

    All pairs of a budget penalty are coupled. On the shipped instances this scale gives at depth 1 a feasible rate of
    .52 and .39, where the largest term as the unit gives .21 and .03, below the .25 and .23 of random bits.
    """
    gammas, betas = grid_angles(depth, options.grid_size) if options.policy == "grid" else ramp_angles(depth)
    scale = coupling_scale(qubo)
    circuit, names = qaoa_circuit(qubo, depth, shared_angles=False)
    return LogicalKernel(
        instance=instance.name,
        label=f"qaoa_p{depth}",
        circuit=circuit,
        parameter_names=names,
        values=qaoa_values(qubo, gammas, betas, shared_angles=False, scale=scale),
        shots=shots,
        settings=tuple(
            {"gamma": gamma, "beta": beta} for gamma, beta in zip(gammas.tolist(), betas.tolist(), strict=True)
        ),
        facts={"depth": depth, "angle_policy": options.policy, "cost_scale": scale},
    )
