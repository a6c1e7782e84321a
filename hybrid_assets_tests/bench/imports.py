"""What importing the quantum SDKs alone takes, in a fresh process."""

from __future__ import annotations

import time

began = time.perf_counter()

import qiskit  # noqa: E402, F401 - timed
import qiskit_aer  # noqa: E402, F401 - timed

if __name__ == "__main__":
    print(f"{time.perf_counter() - began:.6f}")  # noqa: T201 - the answer
