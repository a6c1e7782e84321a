"""From numbers to pixels: scales and their ticks. Put arithmetic here, no drawing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Room beside the outermost values, as a part of their span.
MARGIN = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A monotone map from a range of numbers to a range of pixels."""

    low: float
    high: float
    #: Pixel of ``low`` and of ``high``; the first may be the larger one.
    start: float
    end: float
    is_log: bool = False
    ticks: tuple[float, ...] = ()

    def __call__(self, value: float) -> float:
        """Return the pixel of a number; one outside of the range is put on its edge."""
        inside = min(max(value, self.low), self.high)
        if self.is_log:
            part = math.log(inside / self.low) / math.log(self.high / self.low)
        else:
            part = (inside - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def tick_texts(self) -> list[str]:
        """Return the ticks as text, all with the digits that tell them apart."""
        return tick_texts(self.ticks) if not self.is_log else [f"{tick:g}" for tick in self.ticks]


def linear_scale(
    values: Iterable[float], *, start: float, end: float, count: int = 5, include: Sequence[float] = ()
) -> Scale:
    """Return a scale that holds all finite values and ``include``, with a margin; also of one value, or of none.

    Args:
        values: What will be drawn.
        start: Pixel of the lower end.
        end: Pixel of the upper end.
        count: About how many ticks.
        include: Numbers that must be in it, without a margin of their own: a zero stays at the edge.
    """
    found = [value for value in (*values, *include) if math.isfinite(value)]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    span = high - low
    if span <= 1e-9 * max(abs(low), abs(high), 1e-12):
        span = max(abs(low) * 0.2, 1e-6) if low else 1.0
        low, high = (low - span / 2, high + span / 2) if low not in include else (low, low + span)
    else:
        low, high = _widened(low, high, span * MARGIN, include)
    return Scale(low=low, high=high, start=start, end=end, ticks=tuple(nice_ticks(low, high, count=count)))


def _widened(low: float, high: float, by: float, include: Sequence[float]) -> tuple[float, float]:
    return (low if low in include else low - by), (high if high in include else high + by)


def log_scale(values: Iterable[float], *, start: float, end: float) -> Scale:
    """Return a logarithmic scale from a power of ten to another that holds all finite values above 0."""
    found = [value for value in values if value > 0 and math.isfinite(value)]
    low, high = (min(found), max(found)) if found else (1.0, 10.0)
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    step = max(1, math.ceil((last - first) / 6))
    ticks = tuple(10.0**power for power in range(first, last + 1, step))
    return Scale(low=10.0**first, high=10.0**last, start=start, end=end, is_log=True, ticks=ticks)


def nice_ticks(low: float, high: float, *, count: int = 5) -> list[float]:
    """Return about ``count`` multiples of 1, 2 or 5 times a power of ten that lie in a range, in order."""
    step = _nice_step((high - low) / max(count, 1))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = [index * step for index in range(first, last + 1)]
    return [tick for tick in ticks if low - 1e-9 * step <= tick <= high + 1e-9 * step] or [low]


def _nice_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def tick_texts(ticks: Sequence[float]) -> list[str]:
    """Return numbers as text, all with as many digits as tell neighbors apart."""
    step = min((abs(b - a) for a, b in pairwise(ticks)), default=0.0)
    largest = max((abs(tick) for tick in ticks), default=0.0)
    if largest >= 1e6 or (0 < largest < 1e-4):
        return [f"{tick:.{_digits(largest, step)}g}" for tick in ticks]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 3
    texts = [f"{tick:.{decimals}f}" for tick in ticks]
    return [text.lstrip("-") if float(text) == 0 else text for text in texts]


def _digits(largest: float, step: float) -> int:
    return max(1, math.ceil(math.log10(largest / step)) + 1) if step > 0 else 3
