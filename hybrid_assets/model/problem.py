"""Problem instances: what a workload normalizes its inputs to, and what baselines solve.

Put new kinds of problem here when several workloads share them; a third party's own kind travels as `OpaqueProblem`.
Keep file formats in the workloads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Largest number of variables whose whole value table is ever built (2**20 float64 = 8 MiB).
MAX_TABLE_VARIABLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryQuadratic:
    """Maximize ``offset + sum_i linear[i] x_i + sum_k weights[k] x_i x_j`` over x in {0, 1}^n.

    Bit order: variable i is bit i of an integer outcome, as Qiskit's qubit 0 is the rightmost character of a counts
    key.
    """

    #: n.
    num_variables: int
    #: One coefficient a variable.
    linear: tuple[float, ...]
    #: Variable pairs (i, j) with i < j, sorted, each once.
    pairs: tuple[tuple[int, int], ...]
    #: One coefficient a pair.
    weights: tuple[float, ...]
    offset: float = 0.0
    #: When set, only points with exactly this many ones are feasible.
    cardinality: int | None = None

    def __post_init__(self) -> None:
        if len(self.linear) != self.num_variables or len(self.weights) != len(self.pairs):
            raise ConfigurationError("BinaryQuadratic: coefficients do not match the number of variables or pairs.")
        if list(self.pairs) != sorted(set(self.pairs)) or any(
            not 0 <= i < j < self.num_variables for i, j in self.pairs
        ):
            raise ConfigurationError("BinaryQuadratic: pairs must be distinct, sorted and 0 <= i < j < num_variables.")

    def values(self, bits: np.ndarray) -> np.ndarray:
        """Return the objective of each point.

        Args:
            bits: 0/1 array of shape (points, num_variables).
        """
        x = np.asarray(bits, dtype=float)
        result = np.full(x.shape[0], self.offset) + x @ np.asarray(self.linear, dtype=float)
        for (i, j), w in zip(self.pairs, self.weights, strict=True):
            result += w * x[:, i] * x[:, j]
        return np.asarray(result)

    def feasible(self, bits: np.ndarray) -> np.ndarray:
        """Tell which points of a (points, num_variables) 0/1 array meet the cardinality; shape (points,)."""
        x = np.asarray(bits)
        if self.cardinality is None:
            return np.ones(x.shape[0], dtype=bool)
        return np.asarray(x.sum(axis=1) == self.cardinality)

    def value_table(self) -> np.ndarray:
        """Return the objective of every outcome 0 .. 2**n - 1; shape (2**n,).

        Raises:
            ConfigurationError: n exceeds `MAX_TABLE_VARIABLES`.
        """
        self._check_table()
        total = np.full(1 << self.num_variables, self.offset)
        outcome = np.arange(1 << self.num_variables)
        bit = [((outcome >> i) & 1).astype(bool) for i in range(self.num_variables)]
        for i, c in enumerate(self.linear):
            if c:
                total[bit[i]] += c
        for (i, j), w in zip(self.pairs, self.weights, strict=True):
            total[bit[i] & bit[j]] += w
        return total

    def feasible_table(self) -> np.ndarray:
        """Tell which outcomes 0 .. 2**n - 1 are feasible; shape (2**n,)."""
        self._check_table()
        outcome = np.arange(1 << self.num_variables, dtype=np.uint32)
        if self.cardinality is None:
            return np.ones(outcome.size, dtype=bool)
        return np.asarray(np.bitwise_count(outcome) == self.cardinality)

    def _check_table(self) -> None:
        if self.num_variables > MAX_TABLE_VARIABLES:
            raise ConfigurationError(
                f"A value table of {self.num_variables} variables would not fit; the cap is {MAX_TABLE_VARIABLES}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One train/test split by row number."""

    train: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabeledData:
    """A classification problem with its folds fixed, so that every method sees the same splits."""

    #: Raw features, shape (rows, columns).
    features: np.ndarray
    #: Class numbers from 0, shape (rows,).
    labels: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    folds: tuple[Fold, ...]
    #: How many principal components a kernel on few qubits (and its classical rivals) may use.
    num_components: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueProblem:
    """A problem only its own workload and baselines understand: a JSON document."""

    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ProblemInstance:
    """One validated, normalized input of a workload. Two instances are the same if their fingerprints are."""

    workload: str
    #: Unique in its workload; ``[a-z0-9._-]``, usually the file's stem.
    name: str
    #: SHA-256 of the normalized content (see `instance_fingerprint`); the file's name and row order do not enter.
    fingerprint: str
    num_variables: int
    #: Path of the input, relative to the settings file.
    source: str
    problem: BinaryQuadratic | LabeledData | OpaqueProblem
    #: Small JSON facts worth a column or a look: edges, degree, weighted, licence ...
    facts: Mapping[str, Any] = field(default_factory=dict)


def problem_to_document(problem: BinaryQuadratic | LabeledData | OpaqueProblem) -> dict[str, Any]:
    """Return a problem as a JSON document that `problem_from_document` reads back exactly."""
    if isinstance(problem, BinaryQuadratic):
        return {
            "kind": "binary_quadratic",
            "num_variables": problem.num_variables,
            "linear": list(problem.linear),
            "pairs": [list(pair) for pair in problem.pairs],
            "weights": list(problem.weights),
            "offset": problem.offset,
            "cardinality": problem.cardinality,
        }
    if isinstance(problem, LabeledData):
        return {
            "kind": "labeled_data",
            "features": problem.features.tolist(),
            "labels": problem.labels.tolist(),
            "feature_names": list(problem.feature_names),
            "class_names": list(problem.class_names),
            "folds": [{"train": list(f.train), "test": list(f.test)} for f in problem.folds],
            "num_components": problem.num_components,
        }
    return {"kind": "opaque", "document": dict(problem.document)}


def problem_from_document(document: Mapping[str, Any]) -> BinaryQuadratic | LabeledData | OpaqueProblem:
    """Rebuild a problem from its document.

    Raises:
        ConfigurationError: The document's kind is unknown.
    """
    match document["kind"]:
        case "binary_quadratic":
            return BinaryQuadratic(
                num_variables=document["num_variables"],
                linear=tuple(document["linear"]),
                pairs=tuple((i, j) for i, j in document["pairs"]),
                weights=tuple(document["weights"]),
                offset=document["offset"],
                cardinality=document["cardinality"],
            )
        case "labeled_data":
            return LabeledData(
                features=np.asarray(document["features"], dtype=float),
                labels=np.asarray(document["labels"], dtype=int),
                feature_names=tuple(document["feature_names"]),
                class_names=tuple(document["class_names"]),
                folds=tuple(Fold(train=tuple(f["train"]), test=tuple(f["test"])) for f in document["folds"]),
                num_components=document["num_components"],
            )
        case "opaque":
            return OpaqueProblem(document=document["document"])
        case kind:
            raise ConfigurationError(f"Unknown kind of problem {kind!r}.")
