"""Reading a YAML file that a person wrote: within limits, without aliases and tags, every key once and a name.

Put what is refused for its form here; what the document means is whose it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from hybrid_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

#: Far above any honest file of settings; a larger one is a mistake or an attack.
MAX_BYTES = 262_144
MAX_DEPTH = 20
MAX_SCALAR_LENGTH = 4096
_BOOL, _STR = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:str"
_TIME = "tag:yaml.org,2002:timestamp"


def read_yaml(path: Path) -> Any:
    """Return the document of a file.

    Raises:
        ConfigurationError: It is too large, no YAML, or refused for its form; told with line and column.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_BYTES} bytes; a sweep needs a few hundred. Shorten it.")
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, LookupError, AttributeError) as exc:  # PyYAML's own, where a tag does not fit
        raise ConfigurationError(f"{path} is not readable as YAML: {_why(exc)}. Mend it there.") from exc


class _StrictLoader(yaml.SafeLoader):
    """Refuses aliases, of which a few hundred bytes unfold to gigabytes, and what is nested deeply or very long."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refused("aliases are not allowed, write the value out", event.start_mark)
        if self.depth >= MAX_DEPTH:
            raise _refused(f"it is nested more than {MAX_DEPTH} levels deep", event.start_mark)
        if len(getattr(event, "value", None) or "") > MAX_SCALAR_LENGTH:
            raise _refused(f"a value is longer than {MAX_SCALAR_LENGTH} characters", event.start_mark)
        self.depth += 1
        try:
            node = super().compose_node(parent, index)
        finally:
            self.depth -= 1
        if isinstance(node, yaml.MappingNode):
            _name_keys(node)
        return node


def _day(loader: _StrictLoader, node: yaml.ScalarNode) -> Any:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError as exc:  # it tells neither what nor where
        raise _refused(f"{node.value} is no day of the calendar: {exc}", node.start_mark) from exc


_StrictLoader.add_constructor(_TIME, _day)


def _name_keys(node: yaml.MappingNode) -> None:
    """Make every key a name (YAML 1.1 reads ``on`` and ``no`` as true and false) and refuse one that stands twice."""
    seen = set()
    for key, _ in node.value:
        if key.tag == _BOOL:
            key.tag = _STR
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                raise _refused(f"the key {key.value!r} stands twice: remove one", key.start_mark)
            seen.add(key.value)


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.composer.ComposerError(None, None, problem, mark)


def _why(exc: Exception) -> str:
    mark, problem = getattr(exc, "problem_mark", None), getattr(exc, "problem", None)
    if mark is None or not problem:
        return " ".join(str(exc).split()).rstrip(".")
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem.rstrip('.')}"
