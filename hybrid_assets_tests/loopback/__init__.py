"""A loopback IBM Runtime service: what the genuine client is pointed at in tests. Put nothing of the product here.

It speaks the part of the REST API that the unpatched ``qiskit-ibm-runtime`` client uses, executes jobs with the local
simulator under the device's noise, injects faults, and keeps a book of what was created, executed and billed.
"""

from hybrid_assets_tests.loopback.faults import Fault
from hybrid_assets_tests.loopback.service import LoopbackService

__all__ = ["Fault", "LoopbackService"]
