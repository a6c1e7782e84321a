"""Which rows of why kernels wait are worth keeping: planning every few seconds must not flood the ledger.

Put that rule here, both ledgers apply it; which kernels wait and why is `planning`'s.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybrid_assets.model.queue import BatchDecision

#: A reason is written at most so often, however its figures change.
CHANGED_AFTER_S = 60.0
#: And so often while they do not, so that a long wait shows that it lasted.
REPEATED_AFTER_S = 3600.0


def is_worth_writing(row: BatchDecision, newest: BatchDecision | None) -> bool:
    """Tell whether a row about waiting kernels says something new.

    Args:
        row: What would be written; ``batch_id`` is None.
        newest: The row written last with the same backend and reason, and ``batch_id`` None; None: there is none.
    """
    if newest is None:
        return True
    is_same = (row.size, row.limit) == (newest.size, newest.limit)
    pause_s = REPEATED_AFTER_S if is_same else CHANGED_AFTER_S
    return row.decided_at - newest.decided_at >= timedelta(seconds=pause_s)
