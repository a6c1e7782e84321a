"""Compiled circuits on disk, by compile key.

    <folder>/ab/ab12....qpyz           payload: zlib-compressed QPY
    <folder>/ab/ab12....json           facts, with the SHA-256 of payload and facts; written last: it makes the entry
    <folder>/structures/<fp>/<key>     parts of a stored key, to explain misses of the same structure
    <folder>/quarantine/               entries whose checksums are off, for a person to look at

Every file is replaced as a whole; a lock keeps two writers of one key from mixing their halves. A circuit is a pure
function of its key, so losing an entry costs a compile and nothing else. Put the format here; what a key is, is in
`circuits.key`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any

from hybrid_assets.circuits.facts import facts_from_json, facts_to_json
from hybrid_assets.circuits.payload import MAX_PACKED_BYTES, payload_sha
from hybrid_assets.errors import ConfigurationError, ResultIntegrityError
from hybrid_assets.model.circuits import CompiledCircuit
from hybrid_assets.model.fingerprint import canonical_json, fingerprint
from hybrid_assets.storage.files import write_atomically
from hybrid_assets.storage.loading import MAX_DOCUMENT_BYTES, parse_json, read_capped, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

#: Keys remembered for each structure; older ones no longer explain a miss.
MAX_NEAREST = 16

#: Circuits kept in memory; one takes some 10 KB.
MAX_REMEMBERED = 2048

_NAME = re.compile(r"[0-9A-Za-z_-]{2,128}")


class FileCircuitCache:
    """A `CircuitCache` in a folder, which may be shared by processes. Safe for threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory: OrderedDict[str, CompiledCircuit] = OrderedDict()
        self._lock = Lock()

    def is_empty(self) -> bool:
        """Whether nothing was ever stored here."""
        return not self._folder.is_dir() or next(self._folder.iterdir(), None) is None

    def contains(self, compile_key: str) -> bool:
        """Tell whether an entry is there, without verifying it."""
        return compile_key in self._memory or self._path(compile_key, "json").exists()

    def get(self, compile_key: str) -> CompiledCircuit | None:
        """Return a verified circuit or None; a corrupt entry is set aside and counts as absent.

        The second get of a key in one process is answered from memory.
        """
        with self._lock:
            if (found := self._memory.get(compile_key)) is not None:
                self._memory.move_to_end(compile_key)
                return found
        try:
            found = self._read(compile_key)
        except ResultIntegrityError:
            found = self._read_again(compile_key)
        if found is not None:
            self._remember(found)
        return found

    def put(self, compiled: CompiledCircuit) -> None:
        """Store a circuit atomically under its compile key; an entry that is there already is replaced.

        Raises:
            ResultIntegrityError: The payload does not match its checksum; nothing is stored.
        """
        key, facts = compiled.facts.compile_key, facts_to_json(compiled.facts)
        if payload_sha(compiled.payload) != compiled.payload_sha:
            raise ResultIntegrityError(f"The circuit {key} was altered before it was stored. Compile it again.")
        entry = {"facts": facts, "facts_sha": fingerprint(facts), "payload_sha": compiled.payload_sha}
        payload_path, entry_path = self._path(key, "qpyz"), self._path(key, "json")
        with self._exclusive():
            write_atomically(payload_path, compiled.payload)
            write_atomically(entry_path, canonical_json(entry).encode())
            self._index(compiled)
        self._remember(compiled)

    def nearest(self, structure_fingerprint: str) -> Sequence[Mapping[str, str]]:
        """Return the key parts of stored circuits of the same structure, newest first, at most `MAX_NEAREST`."""
        found = []
        for path in self._indexed(structure_fingerprint)[:MAX_NEAREST]:
            with contextlib.suppress(
                FileNotFoundError, ValueError, AttributeError, ResultIntegrityError
            ):  # pruned meanwhile, or damaged: explains nothing
                found.append({str(name): str(value) for name, value in read_json(path).items()})
        return tuple(found)

    def _path(self, compile_key: str, ending: str) -> Path:
        return self._folder / _name(compile_key)[:2] / f"{compile_key}.{ending}"

    def _read(self, compile_key: str) -> CompiledCircuit | None:
        """Return an entry; None when there is none.

        Raises:
            ResultIntegrityError: It is damaged, or is being replaced at this moment.
        """
        try:
            text = read_capped(self._path(compile_key, "json"), MAX_DOCUMENT_BYTES)
        except FileNotFoundError:
            return None
        try:
            payload = read_capped(self._path(compile_key, "qpyz"), MAX_PACKED_BYTES)
            entry: dict[str, Any] = parse_json(text)
            if payload_sha(payload) != entry["payload_sha"] or fingerprint(entry["facts"]) != entry["facts_sha"]:
                raise ResultIntegrityError(f"A checksum of the stored circuit {compile_key} is off.")
            facts = facts_from_json(entry["facts"])
        except (FileNotFoundError, ValueError, KeyError, TypeError) as exc:
            raise ResultIntegrityError(f"The stored circuit {compile_key} is damaged: {exc}.") from exc
        if facts.compile_key != compile_key:
            raise ResultIntegrityError(f"The circuit stored as {compile_key} is another one: {facts.compile_key}.")
        return CompiledCircuit(facts=facts, payload=payload, payload_sha=entry["payload_sha"])

    def _read_again(self, compile_key: str) -> CompiledCircuit | None:
        """Read an entry while nobody writes; set it aside when it is damaged indeed."""
        with self._exclusive():
            try:
                return self._read(compile_key)
            except ResultIntegrityError:
                quarantine = self._folder / "quarantine"
                quarantine.mkdir(exist_ok=True)
                for path in (self._path(compile_key, "json"), self._path(compile_key, "qpyz")):
                    with contextlib.suppress(FileNotFoundError):
                        path.replace(quarantine / path.name)
                return None

    def _remember(self, compiled: CompiledCircuit) -> None:
        with self._lock:
            self._memory[compiled.facts.compile_key] = compiled
            self._memory.move_to_end(compiled.facts.compile_key)
            while len(self._memory) > MAX_REMEMBERED:
                self._memory.popitem(last=False)

    def _index(self, compiled: CompiledCircuit) -> None:
        structure, key = _name(compiled.facts.structure_fingerprint), compiled.facts.compile_key
        path = self._folder / "structures" / structure / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(canonical_json(dict(compiled.facts.key_parts)))  # not synced: it only explains
        for old in self._indexed(structure)[MAX_NEAREST:]:
            old.unlink(missing_ok=True)

    def _indexed(self, structure_fingerprint: str) -> list[Path]:
        """Return the index files of a structure, newest first."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._folder / "structures" / _name(structure_fingerprint)):
                with contextlib.suppress(FileNotFoundError):
                    found.append((-entry.stat().st_mtime_ns, entry.name))
        return [self._folder / "structures" / structure_fingerprint / name for _, name in sorted(found)]

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Keep other processes and threads from writing; released by the system when this process dies."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _name(text: str) -> str:
    """Return a key that is safe as a file name.

    Raises:
        ConfigurationError: It is not, for example ``../x``.
    """
    if not _NAME.fullmatch(text):
        raise ConfigurationError(f"{text!r} is no key of a compiled circuit. Keys are hexadecimal hashes.")
    return text
