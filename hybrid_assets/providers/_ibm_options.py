"""Options of an IBM backend, typed and checked. Put keys, defaults and ranges here.

| option | default | what |
| --- | --- | --- |
| `device` | none, needed | name of the backend at IBM, for example `ibm_torino` |
| `instance` | none, needed | CRN or name of the service instance that pays |
| `token_env` | `QISKIT_IBM_TOKEN` | environment variable that holds the API key; the key itself is never a setting |
| `url` | the region's | base URL of the Runtime API |
| `iam_url`, `search_url`, `catalog_url` | IBM's | where tokens, instances and plans are asked for |
| `mode` | `batch` | `batch`: the backend's jobs share a batch; `job`: each stands alone |
| `fractional_gates` | false | whether the target has `rx` and `rzz`, whose angles are then folded, see `_ibm_folding` |
| `dynamical_decoupling` | false | `XX`, `XpXm` or `XY4` |
| `twirling` | `{gates: false, measure: false}` | Pauli twirling of two-qubit gates (no fractional ones), of readout |
| `posts_per_minute` | 5 | jobs submitted in any 60 s |
| `read_timeout_s`, `post_timeout_s` | 30, 60 | longest silence of the service on a question, on a submission |
| `deadline_s` | 120 | longest time of any call, whatever happens in it; more than `post_timeout_s` |
| `listing_lag_s` | 20 | longest time from a job's creation to its being listed |
| `max_run_s` | 10800 | longer jobs are cut off by the service (code 1305), earlier where a budget would break |

Decoupling, twirling and fractional gates are part of the backend's identity, so of every result's key, and of no
compile key but through the target.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.providers._section import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = (
    "device",
    "instance",
    "token_env",
    "url",
    "iam_url",
    "search_url",
    "catalog_url",
    "mode",
    "fractional_gates",
    "dynamical_decoupling",
    "twirling",
    "posts_per_minute",
    "read_timeout_s",
    "post_timeout_s",
    "deadline_s",
    "listing_lag_s",
    "max_run_s",
)
MODES = ("batch", "job")
SEQUENCES = ("XX", "XpXm", "XY4")
#: Names that cannot be a token: IBM's API keys hold lower-case letters or dashes.
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
#: Hosts that plain HTTP may go to: nobody else can listen.
_OWN_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class IbmOptions:
    """Everything one backend may be told."""

    device: str
    instance: str
    token_env: str
    url: str | None
    iam_url: str | None
    search_url: str | None
    catalog_url: str | None
    mode: str
    fractional_gates: bool
    #: None: no decoupling.
    dynamical_decoupling: str | None
    twirls_gates: bool
    twirls_measure: bool
    posts_per_minute: int | None
    read_timeout_s: float
    post_timeout_s: float
    deadline_s: float
    listing_lag_s: float
    max_run_s: float

    @classmethod
    def parse(cls, raw: Mapping[str, Any], backend: str) -> IbmOptions:
        """Check options as they come from the settings.

        Raises:
            ConfigurationError: One is unknown or wrong; the message names it, and never what may be a token.
        """
        section = Section(f"backends.{backend}", raw, KEYS)
        twirling = section.section("twirling", ("gates", "measure"))
        options = cls(
            device=section.text("device"),
            instance=section.text("instance"),
            token_env=_variable(section),
            url=_url(section, "url"),
            iam_url=_url(section, "iam_url"),
            search_url=_url(section, "search_url"),
            catalog_url=_url(section, "catalog_url"),
            mode=_choice(section, "mode", "batch", MODES),
            fractional_gates=section.flag("fractional_gates", default=False),
            dynamical_decoupling=_decoupling(section),
            twirls_gates=twirling.flag("gates", default=False),
            twirls_measure=twirling.flag("measure", default=False),
            posts_per_minute=section.optional_integer("posts_per_minute", 5),
            read_timeout_s=section.number("read_timeout_s", 30.0, least=0.01),
            post_timeout_s=section.number("post_timeout_s", 60.0, least=0.01),
            deadline_s=section.number("deadline_s", 120.0, least=0.02),
            listing_lag_s=section.number("listing_lag_s", 20.0),
            max_run_s=section.number("max_run_s", 10_800.0, least=1.0),
        )
        if options.fractional_gates and options.twirls_gates:
            raise ConfigurationError(
                f"{section.place}: fractional_gates and twirling.gates exclude each other, because Pauli gates do not "
                "pass through rzz with an angle. Set one of them to false; twirling.measure goes with both."
            )
        if options.deadline_s <= options.post_timeout_s:
            raise section.wrong(
                "deadline_s", options.deadline_s, f"more than post_timeout_s, {options.post_timeout_s:g}"
            )
        return options

    @property
    def leave_s(self) -> float:
        """Longest time from the beginning of a submission to its POST's leaving; later it is not sent."""
        return self.deadline_s - self.post_timeout_s

    @property
    def is_twirled(self) -> bool:
        """Whether anything is twirled."""
        return self.twirls_gates or self.twirls_measure

    @property
    def execution(self) -> str:
        """How circuits are executed, in words; part of the identity."""
        twirled = "+".join(name for name, on in (("gates", self.twirls_gates), ("measure", self.twirls_measure)) if on)
        return (
            f"fractional gates {'on' if self.fractional_gates else 'off'}, "
            f"decoupling {self.dynamical_decoupling or 'off'}, twirling {twirled or 'off'}"
        )


def _variable(section: Section) -> str:
    name = section.text("token_env", "QISKIT_IBM_TOKEN")
    if not _VARIABLE.fullmatch(name):
        raise ConfigurationError(  # the value is not shown: it may be the token itself
            f"{section.place}.token_env must be the name of an environment variable in capitals, such as "
            "QISKIT_IBM_TOKEN, not the token. If the token was written there, remove it and make a new one."
        )
    return name


def _choice(section: Section, key: str, default: str, known: tuple[str, ...]) -> str:
    value = section.text(key, default)
    if value not in known:
        raise section.wrong(key, value, " or ".join(known))
    return value


def _decoupling(section: Section) -> str | None:
    value = section.raw.get("dynamical_decoupling", False)
    if value is False or value is None:
        return None
    return _choice(section, "dynamical_decoupling", "XX", SEQUENCES)


def _url(section: Section, key: str) -> str | None:
    if section.raw.get(key) is None:
        return None
    value = section.text(key).rstrip("/")
    parts = urlsplit(value)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _OWN_HOSTS)
    if not is_safe or not parts.hostname or parts.username or parts.password:
        raise section.wrong(key, parts._replace(netloc=parts.hostname or "").geturl(), "an https URL without a login")
    return value
