"""The statistics of the product proved by simulation: coverage, false claims, power. `make bench-stats` prints them.

Ends with status 1 if a coverage is not the stated one or a rate of false claims is above its level. Put the output
here; what is drawn is in `statistics_coverage` and `statistics_claims`.
"""

from __future__ import annotations

import time

import click

from hybrid_assets_tests.bench import statistics_claims as claims
from hybrid_assets_tests.bench import statistics_coverage as coverage

#: Nights of each cell of the tables of power: a standard error of 3.2 points at most.
POWER_NIGHTS = 250
#: Months of 30 nights.
MONTHS = 300


@click.command()
@click.option("--draws", default=10_000, show_default=True, help="Draws of each interval, nights of each null.")
@click.option("--seed", default=1, show_default=True, help="Seed of all draws.")
def main(draws: int, seed: int) -> None:
    """Print the coverage of every interval, the rate of false claims, and the power, all through product functions."""
    began = time.perf_counter()
    found = [coverage.measure(study, draws=draws, seed=seed + k) for k, study in enumerate(coverage.studies())]
    click.echo(coverage.table(found, draws=draws))
    sound = all(each.holds for each in found)
    click.echo(
        f"\nFalse claims: % of {draws:,} nights without an effect that end as advantage_candidate; the level is 5"
    )
    for k, null in enumerate(claims.nulls()):
        rate = claims.false_claims(null, nights=draws, seed=seed + k)
        sound &= rate.holds
        click.echo(f"{null.name:52} {100 * rate.share:6.2f} ± {100 * rate.error:.2f} %  {rate.words}")
    click.echo(f"\n{_months(seed)}\n\n{_power(seed, methods=1)}\n\n{_power(seed, methods=6)}")
    click.echo(f"\nTook {time.perf_counter() - began:.0f} s.")
    raise SystemExit(0 if sound else 1)


def _months(seed: int) -> str:
    lines = [f"Looking every night: % of {MONTHS} months without an effect that have claimed one by a night"]
    for kept, words in (
        (0.0, "new instances every night"),
        (0.5, "the same, half the variance theirs"),
        (0.9, "the same, nine tenths theirs"),
    ):
        rates = claims.month(months=MONTHS, seed=seed, kept=kept)
        lines.append(f"{words:36}" + "".join(f"  night {n}: {100 * share:4.1f}" for n, share in rates.items()))
    return "\n".join(lines)


def _power(seed: int, *, methods: int) -> str:
    """Return the share of nights that find a planted effect, and how many instances it takes."""
    lines = [
        f"Power, {methods} quantum method(s): % of {POWER_NIGHTS} nights that claim a planted effect, by instances",
        "effect/sd" + "".join(f"{n:7}" for n in claims.INSTANCES) + f"   for {100 * claims.REACH:.0f} %",
    ]
    for effect in claims.PLANTED:
        rates = [
            claims.power(effect, instances=n, methods=methods, nights=POWER_NIGHTS, seed=seed) for n in claims.INSTANCES
        ]
        enough = next((n for n, rate in zip(claims.INSTANCES, rates, strict=True) if rate >= claims.REACH), None)
        words = f"> {claims.INSTANCES[-1]}" if enough is None else str(enough)
        lines.append(f"{effect:9}" + "".join(f"{100 * rate:7.0f}" for rate in rates) + f"{words:>9}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
