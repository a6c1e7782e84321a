"""Looking for the poison kernel: a batch that failed without naming one is halved until one is left.

Put how kernels are told apart here. Kernels of one split group may share a batch, and only with each other, so a half
without the poison comes home and is kept; n kernels with one poison take at most 2 log2(n) more jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def halves(kernel_ids: Sequence[str], *, batch_id: str) -> Mapping[str, str]:
    """Return the split group of each of at least two kernels: two groups, the first the larger by at most one."""
    middle = (len(kernel_ids) + 1) // 2
    return {name: f"{batch_id[:24]}.{int(index >= middle)}" for index, name in enumerate(kernel_ids)}
