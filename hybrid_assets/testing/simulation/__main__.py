"""Run many schedules and say what broke; a seed replays exactly with ``--only``."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from hybrid_assets.testing.simulation.schedule import run_schedule


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when every promise held in every schedule, else 1."""
    options = _parser().parse_args(arguments)
    if options.only is not None:
        return _replay(options.only)
    started, faults, states = time.perf_counter(), Counter[str](), Counter[str]()
    steps = 0
    for seed in range(options.seed, options.seed + options.schedules):
        outcome = run_schedule(seed)
        if outcome.violation:
            _replay(seed)
            _say(f"Replay it: python -m hybrid_assets.testing.simulation --only {seed}")
            return 1
        steps += outcome.steps
        faults.update(outcome.faults)
        states.update(outcome.states)
    wall_s = time.perf_counter() - started
    _say(
        f"{options.schedules} schedules from seed {options.seed}: every promise held. "
        f"{steps} effects in {wall_s:.1f} s, {options.schedules / wall_s:.0f} schedules/s."
    )
    _say("Faults: " + ", ".join(f"{name} {times}" for name, times in sorted(faults.items())))
    _say("Kernels: " + ", ".join(f"{name} {times}" for name, times in sorted(states.items())))
    return 0


def _replay(seed: int) -> int:
    outcome = run_schedule(seed, with_trace=True)
    for line in outcome.trace:
        _say(line)
    _say(f"Seed {seed}: {outcome.violation or 'every promise held'} ({outcome.steps} effects)")
    return 1 if outcome.violation else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hybrid_assets.testing.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000, help="how many (10000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first; the next has the next number (1)")
    parser.add_argument("--only", type=int, help="replay one seed and print its trace")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
