"""Checking a workload's section of the settings: refusals that name the key, the value and what is expected.

Put kinds of values that several workloads take here; keys, defaults and ranges stay with the workload.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.text import decimal_comma, nearest

#: Deeper circuits are beyond what a nightly sweep can execute.
MAX_DEPTH = 50
#: A grid has size x size settings a depth; 32 x 32 already are 4 million executions of 4096 shots.
MAX_GRID_SIZE = 32
#: The policy that looks for angles on the backend itself, in rounds.
TRAINED = "optimize"
#: More rounds hardly help where each has half a dozen settings, and the search is cubic in all settings.
MAX_ROUNDS = 10
#: Least settings of a round: fewer than there are directions to look in teach next to nothing.
MIN_ROUND_SIZE = 4
#: Shots of one setting; no backend gives more.
MAX_SHOTS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How angles are looked for on the backend: the keys of ``angles`` with the policy `TRAINED`."""

    #: Most rounds of training; one more of a single setting confirms what they found.
    rounds: int = 5
    #: Settings that a depth measures in a round.
    size: int = 8
    #: Shots of each of them, at most the workload's; None: the workload's shots are divided among them, so that a round
    #: costs as much as a kernel of one setting.
    shots: int | None = None

    def shots_of(self, shots: int) -> int:
        """Return the shots of a setting in training, given the workload's shots."""
        return -(-shots // self.size) if self.shots is None else min(self.shots, shots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Angles:
    """Where QAOA angles come from."""

    policy: str
    #: Values of each slope in a grid.
    grid_size: int = 5
    #: None unless the policy is `TRAINED`.
    training: Training | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """The section of a workload; every method that takes a value raises `ConfigurationError` when it is wrong."""

    #: The workload's name, which messages begin with.
    name: str

    def refuse_unknown(self, raw: Mapping[str, Any], known: Sequence[str], *, under: str = "") -> None:
        """Refuse keys that are not known, of the section or of the mapping ``under`` one of its keys (``"angles."``).

        Raises:
            ConfigurationError: A key is unknown; the message names the nearest known one.
        """
        for key in raw:
            if key not in known:
                raise ConfigurationError(
                    f"{self.name}.{under}{key}: unknown key. {nearest(str(key), known)}Known: {', '.join(known)}."
                )

    def angles(self, raw: object, policies: Sequence[str]) -> Angles:
        """Return where QAOA angles come from; the first policy by default.

        ``size`` goes with ``grid`` and `TRAINED`, ``rounds`` and ``shots`` only with the latter.
        """
        if not isinstance(raw, Mapping):
            raise self.wrong("angles", raw, f"a mapping such as {{policy: {policies[0]}}} or {{policy: grid, size: 5}}")
        known = ("policy", "size", *(("rounds", "shots") if TRAINED in policies else ()))
        self.refuse_unknown(raw, known, under="angles.")
        policy = self.one_of("angles.policy", raw.get("policy", policies[0]), policies)
        sized = tuple(name for name in ("grid", TRAINED) if name in policies)
        for key, owners in (("size", sized), ("rounds", (TRAINED,)), ("shots", (TRAINED,))):
            if key in raw and policy not in owners:
                raise self.wrong(f"angles.{key}", raw[key], f"left out unless angles.policy is {' or '.join(owners)}")
        if policy != TRAINED:
            return Angles(policy=policy, grid_size=self.integer("angles.size", raw.get("size", 5), 1, MAX_GRID_SIZE))
        default, shots = Training(), raw.get("shots")
        return Angles(
            policy=policy,
            training=Training(
                rounds=self.integer("angles.rounds", raw.get("rounds", default.rounds), 1, MAX_ROUNDS),
                size=self.integer("angles.size", raw.get("size", default.size), MIN_ROUND_SIZE, MAX_GRID_SIZE),
                shots=None if shots is None else self.integer("angles.shots", shots, 1, MAX_SHOTS),
            ),
        )

    def depths(self, raw: object, *, most: int = MAX_DEPTH, remark: str = "") -> tuple[int, ...]:
        """Return different depths from 1 to ``most``; ``remark`` tells how to go beyond."""
        if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
            raise self.wrong("depths", raw, "a list such as [1, 2, 3]")
        depths = tuple(self.integer("depths", depth, 1, most, remark=remark) for depth in raw)
        if len(set(depths)) < len(depths):
            raise self.wrong("depths", list(depths), "a list of different numbers")
        return depths

    def one_of(self, key: str, value: object, known: Sequence[str]) -> str:
        """Return a value that is one of at least two known words."""
        if value not in known:
            raise self.wrong(key, value, f"{', '.join(known[:-1])} or {known[-1]}")
        return str(value)

    def flag(self, key: str, value: object) -> bool:
        """Return true or false."""
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def integer(
        self, key: str, value: object, least: int, most: int, *, alternative: str = "", remark: str = ""
    ) -> int:
        """Return a whole number from ``least`` to ``most``."""
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(key, value, f"{alternative}a whole number from {least} to {most}{remark}")
        return value

    def number(self, key: str, value: object, *, at_least_0: bool = False, alternative: str = "") -> float:
        """Return a finite number above 0, or 0 as well."""
        kind = f"{alternative}a finite number {'of at least' if at_least_0 else 'above'} 0"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.wrong(key, value, kind)
        if value < 0 or (value == 0 and not at_least_0):
            raise self.wrong(key, value, kind)
        return float(value)

    def wrong(self, key: str, value: object, expected: str) -> ConfigurationError:
        """Return the error of a wrong value."""
        comma = decimal_comma(value) if isinstance(value, str) else ""
        return ConfigurationError(f"{self.name}.{key}: {value!r} is wrong; expected {expected}{comma}.")
