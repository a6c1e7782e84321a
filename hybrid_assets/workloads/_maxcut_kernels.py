"""The kernels of `maxcut`: one QAOA template of the whole graph or of a part, with its rows of angles.

Put how a kernel is made here; which settings training asks for is in `_maxcut_training`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.angles import MAX_FIXED_DEPTH, coupling_scale, fixed_angles, grid_angles, ramp_angles
from hybrid_assets.circuits.qaoa import qaoa_circuit, qaoa_values, shares_angles, unit_scale
from hybrid_assets.model.circuits import LogicalKernel
from hybrid_assets.workloads._maxcut_problem import objective_of, problem_of, regular_degree

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from hybrid_assets.model.problem import BinaryQuadratic, ProblemInstance
    from hybrid_assets.workloads._maxcut_options import MaxCutOptions

    #: Gammas and betas, shape (rows, depth) each, radians.
    Settings = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ansatz:
    """A QAOA template: a depth on the whole graph or on a part of it."""

    instance: ProblemInstance
    #: The whole problem, or the part's.
    problem: BinaryQuadratic
    depth: int
    #: Facts of the part (``part``, ``num_parts`` and ``nodes``); empty for the whole.
    part: Mapping[str, Any]

    @property
    def label(self) -> str:
        """Label of its kernels, before what tells them apart."""
        return f"part{self.part['part']:02d}_p{self.depth}" if self.part else f"qaoa_p{self.depth}"

    def made(self, kernel: LogicalKernel) -> bool:
        """Tell whether a kernel is this template's."""
        return bool(kernel.facts["depth"] == self.depth and kernel.facts.get("part") == self.part.get("part"))

    def kernel(
        self,
        settings: Settings,
        *,
        scale: float,
        shots: int,
        facts: Mapping[str, Any],
        round_name: str = "",
        index: int = 0,
    ) -> LogicalKernel:
        """Return the kernel of some settings.

        Args:
            settings: The settings.
            scale: Factor on the cost that they are meant for.
            shots: Shots of each.
            facts: Facts beside depth, scale and part.
            round_name: What follows the label where there are several rounds.
            index: Number of the round.
        """
        gammas, betas = settings
        shared = shares_angles(self.problem)
        circuit, names = qaoa_circuit(self.problem, self.depth, shared_angles=shared)
        return LogicalKernel(
            instance=self.instance.name,
            label=f"{self.label}.{round_name}" if round_name else self.label,
            circuit=circuit,
            parameter_names=names,
            values=qaoa_values(self.problem, gammas, betas, shared_angles=shared, scale=scale),
            shots=shots,
            settings=tuple({"gamma": g.tolist(), "beta": b.tolist()} for g, b in zip(gammas, betas, strict=True)),
            facts={"depth": self.depth, **facts, "cost_scale": scale, **self.part},
            round_index=index,
        )


def ansatz_of(instance: ProblemInstance, facts: Mapping[str, Any]) -> Ansatz:
    """Return the template that a kernel of these facts is made from."""
    part = {key: facts[key] for key in ("part", "num_parts", "nodes") if key in facts}
    return Ansatz(instance=instance, problem=problem_of(objective_of(instance), facts), depth=facts["depth"], part=part)


def untrained_kernel(ansatz: Ansatz, options: MaxCutOptions, *, shots: int) -> LogicalKernel:
    """Return the kernel of a policy that needs no training."""
    settings, scale, policy = _angles(ansatz, options)
    facts = {"angle_policy": policy, "angle_policy_asked": options.policy}
    return ansatz.kernel(settings, scale=scale, shots=shots, facts=facts)


def start_of(ansatz: Ansatz) -> tuple[Settings, float, str]:
    """Return where training begins: one setting, the scale of its cost and the policy that gave it.

    Fixed angles are turned into those of the scaled cost, in which all graphs look like an unweighted cubic one and one
    unit of search serves all.
    """
    scale, degree = coupling_scale(ansatz.problem), regular_degree(ansatz.problem)
    if degree and ansatz.depth <= MAX_FIXED_DEPTH:
        gammas, betas = fixed_angles(ansatz.depth, degree)
        return (gammas * (unit_scale(ansatz.problem) / scale), betas), scale, "fixed"
    return ramp_angles(ansatz.depth), scale, "ramp"


def _angles(ansatz: Ansatz, options: MaxCutOptions) -> tuple[Settings, float, str]:
    """Return (settings, scale of the cost, policy that was really used)."""
    problem, depth = ansatz.problem, ansatz.depth
    degree = regular_degree(problem)
    if options.policy == "fixed" and degree:
        return fixed_angles(depth, degree), unit_scale(problem), "fixed"
    if options.policy == "grid":
        return grid_angles(depth, options.grid_size), coupling_scale(problem), "grid"
    return ramp_angles(depth), coupling_scale(problem), "ramp"
