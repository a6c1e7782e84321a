"""Problem instances by fingerprint, as JSON that is verified before use. Put nothing else here.

An instance is stored once, however many nights use it. Name and source do not enter the fingerprint: a second file of
the same content finds the first one's problem, and passes its own name to `get`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hybrid_assets.errors import ConfigurationError, ResultIntegrityError
from hybrid_assets.model.fingerprint import canonical_json, fingerprint
from hybrid_assets.model.problem import ProblemInstance, problem_from_document, problem_to_document
from hybrid_assets.storage.files import sharded_path, write_atomically
from hybrid_assets.storage.loading import read_json

if TYPE_CHECKING:
    from pathlib import Path


class InstanceStore:
    """A folder of problem instances."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, instance: ProblemInstance) -> bool:
        """Store an instance durably, unless it is there already and sound; tell whether it was stored now."""
        try:
            self.get(instance.fingerprint)
        except ResultIntegrityError:
            body = {
                "workload": instance.workload,
                "name": instance.name,
                "fingerprint": instance.fingerprint,
                "num_variables": instance.num_variables,
                "source": instance.source,
                "facts": dict(instance.facts),
                "problem": problem_to_document(instance.problem),
            }
            document = {"sha256": fingerprint(body), "instance": body}
            write_atomically(
                sharded_path(self._folder, instance.fingerprint, ".json"), canonical_json(document).encode()
            )
            return True
        return False

    def get(self, fingerprint_: str, *, name: str | None = None, source: str | None = None) -> ProblemInstance:
        """Return the instance of a fingerprint, under another name and source where these are given.

        Raises:
            ResultIntegrityError: It is not stored, or the stored one is damaged.
        """
        path = sharded_path(self._folder, fingerprint_, ".json")
        again = "Materialize normalized_inputs again to store it."
        try:
            document = read_json(path)
            body = document["instance"]
            if fingerprint(body) != document["sha256"] or body["fingerprint"] != fingerprint_:
                raise ResultIntegrityError(f"{path} is not what was stored: its checksum differs. {again}")
            problem = problem_from_document(body.pop("problem"))
            instance = ProblemInstance(**body, problem=problem)
        except FileNotFoundError as exc:
            raise ResultIntegrityError(f"No instance {fingerprint_} is stored. {again}") from exc
        except (ValueError, KeyError, TypeError, ConfigurationError) as exc:
            raise ResultIntegrityError(f"{path} is damaged ({exc}). {again}") from exc
        return replace(instance, name=name or instance.name, source=source or instance.source)
