"""Amazon Braket: its local simulators, and the QPUs behind the service.

    backends:
      braket: {provider: braket}
      braket_dm: {provider: braket, local: braket_dm}
      ankaa:
        provider: braket
        device: arn:aws:braket:us-west-1::device/qpu/rigetti/Ankaa-3
        s3_bucket: amazon-braket-my-results
        price_per_task: 0.30
        price_per_shot: 0.0009

| option | default | meaning |
| --- | --- | --- |
| `device` | `local` | a simulator in this process, or the ARN of a QPU |
| `local` | `default` | `braket_sv` (the default) or `braket_dm`; only with `device: local` |
| `region` | that of the ARN | AWS's region |
| `s3_bucket` | required | where AWS puts results |
| `s3_prefix` | `hybrid-assets` | folder in it |
| `price_per_task`, `price_per_shot` | required | from the price list of the device; 0 where nothing is paid |
| `profile` | none | a profile of AWS's own configuration |

Needs `pip install hybrid-assets[braket]`. Credentials are AWS's own business (environment, profile, SSO, role) and are
never read here. They must permit braket's CreateQuantumTask, GetQuantumTask, SearchQuantumTasks, CancelQuantumTask,
GetDevice and TagResource, and reading and writing in the bucket.

**Local simulators** are ideal, and their samples cannot be seeded: a kernel executed twice gives two samples. A result
is stored when its job ends, and read from there ever after.

**Devices.** A request is one task and has one ARN, whatever number of rows: they travel as the inputs of a program set.
A device that takes no program sets gets one row a task; kernels of several rows are refused for it, unsent. Circuits
are bound to the device's own qubits where it allows that, and Braket translates them to native gates. AWS does not tell
when a task began: it is the time of the first poll that saw it running, and the end where none did.

**Money.** Braket bills a device per task and shot: plans, approvals, budgets in money and bills are
``price_per_task`` a task plus ``price_per_shot`` a shot, and ``price_per_s`` is refused. AWS does not tell how many
seconds a QPU worked, so expected and billed seconds are 0: limits in QPU seconds do not hold a device back, limits in
money, shots and kernels do. A task that failed or was cancelled is free, as in the SDK's own cost tracker.

Put the choice between the two here; they are in `_braket_local` and `_braket_aws`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import RegistrationError
from hybrid_assets.providers import _braket_errors
from hybrid_assets.providers._braket_aws import AwsBraket
from hybrid_assets.providers._braket_local import LocalBraket
from hybrid_assets.providers._braket_options import is_local

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hybrid_assets.model.diagnosis import ErrorCode

#: Module that only the extra installs, with all else that is needed.
_SDK = "qiskit_braket_provider"


class BraketProvider:
    """Makes the provider of a backend: `LocalBraket` or `AwsBraket`."""

    @classmethod
    def from_settings(cls, backend: str, options: Mapping[str, Any], state: Path) -> LocalBraket | AwsBraket:
        """Make the provider of a backend; nothing is asked of AWS yet.

        Raises:
            RegistrationError: The SDK is not installed.
            ConfigurationError: An option is unknown, missing or wrong.
        """
        if find_spec(_SDK) is None:
            raise RegistrationError(f"Backend {backend!r} needs Braket's SDK: pip install hybrid-assets[braket]")
        kind = LocalBraket if is_local(options) else AwsBraket
        return kind.from_settings(backend, options, state)

    @classmethod
    def error_table(cls) -> tuple[ErrorCode, ...]:
        """Return what each error code of AWS leads to; the last one stands for all others."""
        return _braket_errors.table()
