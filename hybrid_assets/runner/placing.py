"""Which compiled circuit stands for each template on a backend: compiled once, and again where a calibration asks it.

Put what makes and remembers that choice here; the rule behind it is `calibration.deciding`'s.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybrid_assets.calibration.deciding import Action, choose
from hybrid_assets.circuits.exposure import expected_success, expected_successes
from hybrid_assets.circuits.key import compile_key, explain_miss
from hybrid_assets.circuits.payload import dump
from hybrid_assets.circuits.pool import CompileRequest
from hybrid_assets.errors import CompilationError, ResultIntegrityError
from hybrid_assets.model.fingerprint import fingerprint
from hybrid_assets.model.placements import Placement
from hybrid_assets.runner.driver import utc_now
from hybrid_assets.runner.relayouting import relayouts
from hybrid_assets.runner.standing import Causes, overtaking, rules_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hybrid_assets.model.circuits import CompiledCircuit, CompileOptions, TargetDocument
    from hybrid_assets.runner.kernels import Template
    from hybrid_assets.runner.project import Project

#: Compiles take milliseconds; a line for each would drown the others.
PROGRESS_STEP = 20
#: `Placement.action` of a template that was never placed before.
NEW = "new"
#: Where the circuit that stood is moved as a whole to better qubits.
RELAYOUT = "relayout"
#: Parts of a compile key that a changed target or a second look at it changes.
_LATER = frozenset({"target", "calibration", "seed", "relayout"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The circuits that stand for some templates."""

    #: By compile key of the template.
    by_key: Mapping[str, Placement]
    #: Why each compile key was missing in the cache that was compiled just now.
    misses: Mapping[str, str]


def place(
    project: Project,
    backend: str,
    templates: Sequence[Template],
    *,
    target: TargetDocument,
    options: CompileOptions,
    decides: bool = False,
) -> Placed:
    """Return the circuit that stands for each template; new ones are compiled.

    Args:
        project: The project.
        backend: The backend.
        templates: Templates under the backend's own options.
        target: The backend's present target.
        options: The backend's own compile options.
        decides: Whether circuits whose expected success has fallen too far are compiled anew: the best circuit then
            stands, and its kernels are other ones from now on. Otherwise standing decisions stay as they are.
    """
    wanted = {template.key.digest: template for template in templates}
    known = {p.base_key: p for p in project.ledger.placements(backend, base_keys=wanted)}
    fresh = {d: t for d, t in wanted.items() if d not in known or not project.circuits.contains(known[d].compile_key)}
    carried, moving = _known_before(project, backend, fresh, target)
    new = [template for digest, template in fresh.items() if digest not in carried and digest not in moving]
    misses = compile_missing(project, [(template, options) for template in new], target=target)
    made = [*carried.values(), *(_first(project, backend, template.key.digest, target) for template in new)]
    acted = list(moving.values())
    if decides:
        acted += [placement for digest, placement in known.items() if digest not in fresh] + list(carried.values())
    if acted:
        changed, more = _decide(project, acted, wanted, target=target, options=options)
        again = {placement.base_key for placement in changed}
        made = [*(placement for placement in made if placement.base_key not in again), *changed]
        misses |= more
    if made:
        instead_of = {digest: placement.calibration_id for digest, placement in known.items()}
        project.ledger.place(made, instead_of=instead_of)
        known = {p.base_key: p for p in project.ledger.placements(backend, base_keys=wanted)}
    return Placed(by_key=known, misses=misses)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Affected:
    """A placement that is decided about anew."""

    placement: Placement
    #: Its circuit's expected success under the present calibration.
    present: float
    action: Action
    #: Why it does not simply stand.
    reason: str


def compile_missing(
    project: Project, wanted: Sequence[tuple[Template, CompileOptions]], *, target: TargetDocument
) -> dict[str, str]:
    """Compile every structure the cache lacks, each once.

    Returns:
        For each compile key that was missing, why it missed.
    """
    missing = {t.key.digest: (t, options) for t, options in wanted if not project.circuits.contains(t.key.digest)}
    reasons = {
        digest: explain_miss(t.key.parts, project.circuits.nearest(t.key.parts["structure"]))
        for digest, (t, _) in missing.items()
    }
    if missing:
        _compile_and_store(project, _requests(missing.values(), target))
    return reasons


def cached(project: Project, digest: str) -> CompiledCircuit:
    """Return a compiled circuit that `place` or `compile_missing` has seen to.

    Raises:
        CompilationError: Its entry vanished or was found corrupt since.
    """
    compiled = project.circuits.get(digest)
    if compiled is None:
        raise CompilationError(f"The cache entry {digest[:16]} vanished or is corrupt. Run again to compile it anew.")
    return compiled


def _known_before(
    project: Project, backend: str, fresh: Mapping[str, Template], target: TargetDocument
) -> tuple[dict[str, Placement], dict[str, Placement]]:
    """Return placements of the same templates for the target as it was before: those that still run, and the others.

    A qubit that turns faulty changes the target's structure and with it every key, but not the circuits elsewhere.
    Where the target has other gates than it had, circuits are made of these gates, so none is taken over.
    """
    if not fresh:
        return {}, {}
    gates, gates_of = _gate_names(target), dict[str, frozenset[str]]()
    before: dict[str, tuple[Placement, float]] = {}
    for placement in sorted(project.ledger.placements(backend), key=lambda p: p.decided_at):
        if placement.calibration_id not in gates_of:
            gates_of[placement.calibration_id] = _gates_under(project, placement)
        if gates_of[placement.calibration_id] != gates:
            continue
        if (compiled := project.circuits.get(placement.compile_key)) is not None:
            score = expected_success(compiled.facts.exposure, target)
            before[_template_of(compiled.facts.key_parts)] = (placement, score)
    found = {digest: before.get(_template_of(template.key.parts)) for digest, template in fresh.items()}
    now, carried, moving = utc_now(), dict[str, Placement](), dict[str, Placement]()
    for digest, known in found.items():
        if known is not None and known[0].base_key != digest:
            (carried if known[1] > 0 else moving)[digest] = replace(known[0], base_key=digest, decided_at=now)
    return carried, moving


def _gate_names(target: TargetDocument) -> frozenset[str]:
    """Return the names of a target's operations."""
    return frozenset(operation.name for operation in target.operations)


def _gates_under(project: Project, placement: Placement) -> frozenset[str]:
    """Return the gates that the backend had when a circuit was decided about; none where nobody knows."""
    try:
        return _gate_names(project.calibrations.get(placement.backend, placement.calibration_id))
    except ResultIntegrityError:
        return frozenset()


def _template_of(parts: Mapping[str, str]) -> str:
    """Return a compile key without what a changed target or a second look at it changes."""
    return fingerprint({name: value for name, value in parts.items() if name not in _LATER})


def _first(project: Project, backend: str, digest: str, target: TargetDocument) -> Placement:
    return Placement(
        backend=backend,
        base_key=digest,
        compile_key=digest,
        calibration_id=target.calibration_id,
        score=expected_success(cached(project, digest).facts.exposure, target),
        decided_at=utc_now(),
        action=NEW,
        reason="It was never placed before.",
    )


def _decide(
    project: Project,
    known: Sequence[Placement],
    templates: Mapping[str, Template],
    *,
    target: TargetDocument,
    options: CompileOptions,
) -> tuple[list[Placement], dict[str, str]]:
    """Return the placements that change under the present calibration, and why each new circuit was missing."""
    affected = _affected(project, known, target)
    seeds = rules_of(project, known[0].backend).seeds
    variants = {
        base_key: list(_variants(templates[base_key], target=target, options=options, seeds=seeds))
        for base_key in affected
    }
    misses = compile_missing(project, [one for found in variants.values() for one in found], target=target)
    standing = {base_key: (templates[base_key], one.placement.compile_key) for base_key, one in affected.items()}
    moved = relayouts(project, standing, target=target, options=options)
    chosen = [
        _chosen(
            project,
            one,
            compiled=[template.key.digest for template, _ in variants[base_key]],
            moved=moved.keys.get(base_key),
            target=target,
        )
        for base_key, one in affected.items()
    ]
    return chosen, {**misses, **moved.misses}


def _affected(project: Project, known: Sequence[Placement], target: TargetDocument) -> dict[str, _Affected]:
    """Return the placements that the present calibration overtakes, by base key."""
    rules, why = rules_of(project, known[0].backend), Causes(project, target)
    present = expected_successes([cached(project, p.compile_key).facts.exposure for p in known], target)
    found = {}
    for placement, score in zip(known, present, strict=True):
        if decision := overtaking(placement, score, rules=rules, target=target):
            reason = why.reason(placement, decision)
            found[placement.base_key] = _Affected(
                placement=placement, present=score, action=decision.action, reason=reason
            )
    return found


def _chosen(
    project: Project, one: _Affected, *, compiled: Sequence[str], moved: str | None, target: TargetDocument
) -> Placement:
    """Return the placement of the best candidate: the circuit that stands, moved, or compiled anew.

    Args:
        project: The project.
        one: What stands now.
        compiled: Compile keys of the template's new compiles.
        moved: Compile key of the standing circuit on better qubits, if there are any.
        target: The present target.
    """
    others = [*compiled, *([moved] if moved else [])]
    exposures = [cached(project, key).facts.exposure for key in others]
    scores_of = dict(zip(others, expected_successes(exposures, target), strict=True))
    standing = one.placement.compile_key
    best = choose({**scores_of, standing: one.present}, standing)
    actions = {standing: Action.KEEP.value, moved: RELAYOUT}
    shown = f"re-layout {scores_of[moved]:.4g}" if moved else "no better layout"
    best_compile = max(scores_of[key] for key in compiled)
    count = "best of 1 compile" if len(compiled) == 1 else f"best of {len(compiled)} compiles"
    return replace(
        one.placement,
        compile_key=best,
        calibration_id=target.calibration_id,
        score=one.present if best == standing else scores_of[best],
        decided_at=utc_now(),
        action=actions.get(best, one.action.value),
        reason=f"{one.reason} Now: cached {one.present:.4g}, {shown}, {count} {best_compile:.4g}.",
    )


def _variants(
    template: Template, *, target: TargetDocument, options: CompileOptions, seeds: int
) -> Iterable[tuple[Template, CompileOptions]]:
    """Yield the template compiled for the present calibration with several seeds."""
    for number in range(seeds):
        chosen = replace(options, seed=options.seed + number, calibration_id=target.calibration_id)
        yield replace(template, key=compile_key(template.key.parts["structure"], target, chosen)), chosen


def _compile_and_store(project: Project, requests: Sequence[CompileRequest]) -> None:
    """Compile, and store in a thread meanwhile: the disk's answer would keep the workers waiting for new work."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="circuit-store") as writer:
        stored = []
        for done, compiled in enumerate(project.compile_pool.compile(requests), start=1):
            stored.append(writer.submit(project.circuits.put, compiled))
            if done % PROGRESS_STEP == 0 or done == len(requests):
                project.report(f"compiled {done} of {len(requests)}")
    for storing in stored:
        storing.result()  # raises what the disk refused


def _requests(missing: Iterable[tuple[Template, CompileOptions]], target: TargetDocument) -> list[CompileRequest]:
    requests = []
    for template, options in missing:
        payload, _ = dump(template.circuit)
        label = f"{template.logical.instance}/{template.logical.label}"
        requests.append(CompileRequest(label=label, key=template.key, payload=payload, target=target, options=options))
    return requests
