"""The worker's side of the provider `isolated`: what runs inside the other environment, and adapters that ship.

Everything here is standalone: only the standard library, numpy, Qiskit and the SDK of its environment (Python 3.10 or
newer). hybrid_assets is not installed there, so nothing here may import it; the worker loads this folder as the package
``outside``, from which adapters import:

    from outside import AdapterError, LocalJobs, PubCounts, counts_of_rows

Put what both sides must agree on and what adapters share here; what a provider promises stays with `isolated`.
"""

from __future__ import annotations

from .errors import AdapterError
from .local_jobs import LocalJobs
from .records import Pub, PubCounts, Report, Request, Result, counts_of_rows, now

__all__ = [
    "AdapterError",
    "LocalJobs",
    "Pub",
    "PubCounts",
    "Report",
    "Request",
    "Result",
    "counts_of_rows",
    "now",
]
