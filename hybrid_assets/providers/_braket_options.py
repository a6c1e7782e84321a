"""Options of a Braket backend in the settings, checked. Put keys, defaults and ranges here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid_assets.providers._section import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The value of `device` that stands for a simulator in this process.
LOCAL = "local"
#: Value of `local` -> name of Braket's simulator; the first one is Braket's own default.
SIMULATORS: Mapping[str, str] = {"default": "braket_sv", "braket_sv": "braket_sv", "braket_dm": "braket_dm"}
_LOCAL_KEYS = ("device", "local")
_AWS_KEYS = ("device", "region", "s3_bucket", "s3_prefix", "price_per_task", "price_per_shot", "profile")
_DEVICE_ARN = re.compile(r"arn:aws[a-z-]*:braket:(?P<region>[a-z0-9-]*)::device/qpu/[\w.-]+/[\w.-]+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """A simulator in this process."""

    #: ``braket_sv`` (statevector) or ``braket_dm`` (density matrix).
    simulator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsOptions:
    """A QPU behind Amazon Braket."""

    device_arn: str
    region: str
    s3_bucket: str
    s3_prefix: str
    #: In any one currency.
    price_per_task: float
    price_per_shot: float
    #: Name of a profile in AWS's own configuration; None: AWS's usual chain.
    profile: str | None

    def price(self, *, tasks: int, shots: int) -> float:
        """Return what tasks with so many shots in all cost."""
        return tasks * self.price_per_task + shots * self.price_per_shot


def is_local(raw: Mapping[str, Any]) -> bool:
    """Tell whether a section is of a local simulator."""
    return bool(raw.get("device", LOCAL) == LOCAL)


def parse_local(raw: Mapping[str, Any], backend: str) -> LocalOptions:
    """Check the options of a local simulator.

    Raises:
        ConfigurationError: One is unknown or wrong; the message names it.
    """
    section = Section(f"backends.{backend}", raw, _LOCAL_KEYS)
    chosen = section.text("local", "default")
    if chosen not in SIMULATORS:
        raise section.wrong("local", chosen, f"one of {', '.join(SIMULATORS)}")
    return LocalOptions(simulator=SIMULATORS[chosen])


def parse_device(raw: Mapping[str, Any], backend: str) -> AwsOptions:
    """Check the options of a device behind the service.

    Raises:
        ConfigurationError: One is unknown, missing or wrong; the message names it.
    """
    section = Section(f"backends.{backend}", raw, _AWS_KEYS)
    device, region = _device(section)
    bucket = section.text("s3_bucket")
    if not _BUCKET.fullmatch(bucket):
        raise section.wrong("s3_bucket", bucket, "the name of a bucket, without s3://")
    # Without a price a paid device would look free to every budget, so there is no default.
    for key in ("price_per_task", "price_per_shot"):
        if section.raw.get(key) is None:
            raise section.wrong(key, None, "a number of at least 0, as on the price list of the device")
    return AwsOptions(
        device_arn=device,
        region=region,
        s3_bucket=bucket,
        s3_prefix=section.text("s3_prefix", "hybrid-assets").strip("/"),
        price_per_task=section.number("price_per_task", 0.0),
        price_per_shot=section.number("price_per_shot", 0.0),
        profile=section.text("profile") if section.raw.get("profile") is not None else None,
    )


def _device(section: Section) -> tuple[str, str]:
    """Return the device's ARN and region."""
    device = section.text("device")
    match = _DEVICE_ARN.fullmatch(device)
    if match is None:
        expected = (
            f"{LOCAL!r} or the ARN of a QPU, such as arn:aws:braket:us-west-1::device/qpu/rigetti/Ankaa-3 (simulators "
            "of the service are billed by the minute, which is not accounted for here; use the local one)"
        )
        raise section.wrong("device", device, expected)
    region = section.text("region", match["region"] or None)
    if match["region"] and region != match["region"]:
        raise section.wrong("region", region, f"{match['region']}, where the device is")
    return device, region
