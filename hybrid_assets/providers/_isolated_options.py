"""Options of the provider `isolated`. Put keys, defaults and ranges here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.providers._section import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

#: No interpreter with numpy starts in less.
LEAST_MEMORY_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class IsolatedOptions:
    """Options of one backend in the settings."""

    #: Interpreter of the other environment, absolute; a link to another one is kept, since it is what makes the venv.
    python: Path
    #: Name of an adapter that ships, absolute path of a Python file, or name of a module installed there.
    adapter: str
    #: The adapter's own options.
    options: Mapping[str, Any]
    #: Longest time of one call; the worker is killed after it.
    call_timeout_s: float
    #: Longest time from the start of a worker to its greeting: an SDK may take ten seconds to import.
    start_timeout_s: float
    #: Address space of the worker; None: not limited.
    memory_limit_bytes: int | None
    #: Names of the environment variables the worker gets, secrets among them; it gets no other ones.
    environment: tuple[str, ...]

    @classmethod
    def parse(cls, raw: Mapping[str, Any], backend: str) -> IsolatedOptions:
        """Check options as they come from the settings, paths already made absolute.

        Raises:
            ConfigurationError: One is unknown or wrong, or there is no such interpreter or adapter file.
        """
        section = Section(f"backends.{backend}", raw, tuple(cls.__dataclass_fields__))
        options = section.raw.get("options") or {}
        if not isinstance(options, dict):
            raise section.wrong("options", options, "a mapping of the adapter's own options")
        memory_limit = section.optional_integer("memory_limit_bytes", None, least=LEAST_MEMORY_BYTES)
        adapter = section.text("adapter")
        if adapter.endswith(".py"):
            adapter = str(_existing(section, "adapter", adapter, "a Python file with a class Adapter"))
        return cls(
            python=_interpreter(section),
            adapter=adapter,
            options=options,
            call_timeout_s=section.number("call_timeout_s", 60.0, least=0.1),
            start_timeout_s=section.number("start_timeout_s", 120.0, least=0.1),
            memory_limit_bytes=memory_limit,
            environment=section.texts("environment"),
        )


def _interpreter(section: Section) -> Path:
    path = _existing(section, "python", section.text("python"), "the Python of the other environment")
    if not os.access(path, os.X_OK):
        raise section.wrong("python", str(path), "a program that may be executed")
    return path


def _existing(section: Section, key: str, value: str, what: str) -> Path:
    path = Path(value).absolute()
    if not path.is_file():
        raise ConfigurationError(
            f"{section.place}.{key}: there is no file {path}; expected {what}. Create the environment first, see "
            "docs/howto/isolated_providers.md; relative paths are relative to the settings file."
        )
    return path
