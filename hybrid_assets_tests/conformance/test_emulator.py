"""The emulated QPU keeps every promise of the protocol, as the default and with de-duplication and drift."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from hybrid_assets.model.jobs import ExecutionKind
from hybrid_assets.providers.emulator import EmulatorOptions, EmulatorProvider
from hybrid_assets.testing import assert_provider_api
from hybrid_assets_tests.unit.providers.emulators import VirtualClock
from hybrid_assets_tests.unit.providers.pubs import compiled, line_device, pub, qaoa, request

VALUES = np.random.default_rng(4).uniform(-1.5, 1.5, (2, 2))


@pytest.mark.parametrize(
    ("options", "is_idempotent", "kind"),
    [
        pytest.param({}, False, ExecutionKind.DENSITY_MATRIX, id="default"),
        pytest.param(
            {"dedupe": True, "drift": {"every_s": 86_400}, "density_matrix_qubits": 1},
            True,
            ExecutionKind.DEPOLARIZED,
            id="dedupe and drift",
        ),
    ],
)
def test_emulator_keeps_the_promises_of_a_provider(tmp_path, options, is_idempotent, kind):
    clock = VirtualClock(datetime.now(UTC))
    device = line_device(3, backend="em")
    parsed = EmulatorOptions.parse(options, "em")
    pubs = [pub(compiled(qaoa(n, ((0, 1),), 1), device), VALUES, kernel_id=f"k{n}", shots=400) for n in (2, 3)]
    result = assert_provider_api(
        lambda: EmulatorProvider("em", parsed, tmp_path, clock=clock, document=device),
        request(*pubs, backend="em"),
        wait=lambda _: clock.forward(1.0),
        is_idempotent=is_idempotent,
    )
    assert [done.execution for done in result.pubs] == [kind, kind]
    assert result.billed_s == 3.0  # 2 s and 1600 executions of about 250 us: 2.4 s, rounded up
