"""Local execution on Qiskit Aer: an ideal simulator, or a real device's snapshot with or without its noise.

    backends:
      aer: {provider: aer}
      aer_torino: {provider: aer, device: fake_torino}
      aer_torino_exact: {provider: aer, device: fake_torino, noise: false}

Options: `device` (a fake backend of qiskit-ibm-runtime; none is an ideal simulator), `noise` (default: true with a
device), `density_matrix_qubits` (widest circuit whose noise is simulated fully, default 8; wider ones get their exact
distribution mixed with the uniform one), `keep_distributions` (default true).

Put the protocol's methods here; their parts are in the modules with a leading underscore.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.targets import build_target_document
from hybrid_assets.errors import ConfigurationError
from hybrid_assets.model.circuits import TargetOperation
from hybrid_assets.model.jobs import JobLimits, ProviderDescription
from hybrid_assets.model.text import nearest
from hybrid_assets.providers import _devices
from hybrid_assets.providers._distributions import Distributions
from hybrid_assets.providers._execute import LocalMachine
from hybrid_assets.providers._local_provider import LocalProvider
from hybrid_assets.providers._maintenance import sweep

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hybrid_assets.model.circuits import TargetDocument

__all__ = ["AerOptions", "AerProvider", "sweep"]

NAME = "aer"
#: Raise it when the same circuit, values and noise give other distributions or samples.
SCHEME = 1
#: Gates of the ideal simulator: QAOA and feature maps need no translation, and Aer has a kernel for each.
IDEAL_GATES = ("cx", "cz", "h", "measure", "rx", "rxx", "ry", "ryy", "rz", "rzz", "sx", "x")
#: A density matrix of 12 qubits takes 256 MiB.
MAX_DENSITY_MATRIX_QUBITS = 12
#: PUBs of one job: small jobs, so that one is simulated while another is stored.
MAX_PUBS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class AerOptions:
    """Options of one backend in the settings."""

    #: Name of a device snapshot; None for an ideal simulator.
    device: str | None
    #: Whether the snapshot's errors act.
    noise: bool
    density_matrix_qubits: int
    keep_distributions: bool

    @classmethod
    def parse(cls, raw: Mapping[str, Any], backend: str) -> AerOptions:
        """Check options as they come from the settings.

        Raises:
            ConfigurationError: One is unknown or wrong; the message names it and the nearest right one.
        """
        known = tuple(cls.__dataclass_fields__)
        for name in raw:
            if name not in known:
                raise ConfigurationError(
                    f"Backend {backend!r}: unknown option {name!r}. {nearest(name, known)}Options: {', '.join(known)}."
                )
        device = raw.get("device")
        if device is not None and not isinstance(device, str):
            raise ConfigurationError(f"Backend {backend!r}: `device` must be a name, not {device!r}.")
        options = cls(
            device=device,
            noise=raw.get("noise", device is not None),
            density_matrix_qubits=raw.get("density_matrix_qubits", 8),
            keep_distributions=raw.get("keep_distributions", True),
        )
        options._check(backend)
        return options

    def _check(self, backend: str) -> None:
        for name in ("noise", "keep_distributions"):
            if not isinstance(value := getattr(self, name), bool):
                raise ConfigurationError(f"Backend {backend!r}: `{name}` must be true or false, not {value!r}.")
        width = self.density_matrix_qubits
        if type(width) is not int or not 0 <= width <= MAX_DENSITY_MATRIX_QUBITS:
            raise ConfigurationError(
                f"Backend {backend!r}: `density_matrix_qubits` must be 0 to {MAX_DENSITY_MATRIX_QUBITS}, not {width!r}."
            )
        if self.noise and self.device is None:
            raise ConfigurationError(f"Backend {backend!r}: `noise` needs a `device` to take it from.")
        if self.device is not None:
            _devices.check_device(self.device)


class AerProvider(LocalProvider):
    """One local backend."""

    def __init__(self, backend: str, options: AerOptions, state: Path) -> None:
        super().__init__(backend, state)
        self._options, self._state = options, state

    @classmethod
    def from_settings(cls, backend: str, options: Mapping[str, Any], state: Path) -> AerProvider:
        """Make the provider of a backend.

        Raises:
            ConfigurationError: An option or the device is unknown or wrong.
        """
        return cls(backend, AerOptions.parse(options, backend), state)

    def limits(self) -> JobLimits:
        """Return limits that keep a job's files and memory small; the number of executions is not limited."""
        return JobLimits(max_pubs=MAX_PUBS, max_executions=None, max_payload_bytes=64 << 20, max_shots=1_000_000)

    @cached_property
    def _document(self) -> TargetDocument:
        if self._options.device is not None:
            return _devices.device_document(self._options.device, backend=self._backend, folder=self._state / "devices")
        return build_target_document(
            backend=self._backend,
            num_qubits=None,
            operations=[TargetOperation(name=name, qubits=None) for name in IDEAL_GATES],
        )

    @cached_property
    def _description(self) -> ProviderDescription:
        options, aer = self._options, version("qiskit-aer")
        identity = f"{NAME} {aer} scheme {SCHEME}: "
        if options.device is None:
            identity += "ideal"
        elif not options.noise:
            identity += f"{options.device}, noise-free"
        else:
            identity += (
                f"{options.device}, density matrix to {options.density_matrix_qubits} qubits, "
                f"depolarized mixture above, noise {self._document.calibration_id}"
            )
        return ProviderDescription(
            provider=NAME,
            version=aer,
            backend=self._backend,
            identity=identity,
            is_metered=False,
            is_simulator=True,
            supports_find=True,
            supports_cancel=True,
            listing_lag_s=0.0,
        )

    @cached_property
    def _machine(self) -> LocalMachine:
        return LocalMachine(
            document=self._document,
            is_noisy=self._options.noise,
            density_matrix_qubits=self._options.density_matrix_qubits,
            identity=self._description.identity,
            distributions=Distributions(self._state / "distributions") if self._options.keep_distributions else None,
        )
