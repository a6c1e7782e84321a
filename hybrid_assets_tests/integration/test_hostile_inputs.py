"""Hostile files and names are refused by name, in no time and in little memory, and nothing is parsed before."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import time
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

from hybrid_assets.circuits import frames, payload
from hybrid_assets.errors import (
    CapacityError,
    CompilationError,
    ConfigurationError,
    HybridAssetsError,
    ProblemError,
    ResultIntegrityError,
    UsageError,
    WarehouseError,
)
from hybrid_assets.providers import _archive
from hybrid_assets.runner.naming import night_named
from hybrid_assets.settings import load_settings
from hybrid_assets.storage import sealed as sealed_files
from hybrid_assets.storage.baselines import BaselineStore
from hybrid_assets.storage.calibrations import CalibrationStore
from hybrid_assets.storage.circuit_cache import FileCircuitCache
from hybrid_assets.storage.instances import InstanceStore
from hybrid_assets.storage.records import RecordLog
from hybrid_assets.storage.results import FileResultStore
from hybrid_assets.storage.sealed import read_sealed
from hybrid_assets.storage.warehouse import Warehouse
from hybrid_assets.workloads._csv_input import instance_name
from hybrid_assets.workloads._labeled_csv import read_labeled_csv
from hybrid_assets.workloads._maxcut_edges import read_edges
from hybrid_assets.workloads._portfolio_prices import read_prices

MIB = 2**20
SWEEP = "start: 2026-11-01\nworkloads: {maxcut: {inputs: 'in/*.csv'}}\nbackends: {aer: {provider: aer}}\n"
DEEP = "[" * 100_000
#: What may become a path, SQL or HTML, and must not.
HOSTILE_NAMES = ["", ".", "..", "../x", "a/b", "/etc", "a\\b", "a\0", "a\n", "x" * 5000, "a'; DROP TABLE x;--", "<b>"]


@pytest.fixture
def limited():
    """Measure what a refusal takes; what these files unfold to would take gigabytes or minutes."""
    tracemalloc.start()
    began = time.process_time()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * MIB
    assert time.process_time() - began < 15


BILLION = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
YAML = {
    "aliases": (BILLION, "aliases are not allowed"),
    "alias": (SWEEP + "x: &a 1\ny: *a\n", "aliases are not allowed"),
    "deep": (SWEEP + f"x: {DEEP}", "it is nested more than 20 levels deep"),
    "deep mappings": (SWEEP + "x: " + "{a: " * 50_000, "it is nested more than 20 levels deep"),
    "too large": ("#" * 262_145, "is larger than 262144 bytes; a sweep needs a few hundred."),
    "object": (SWEEP + "x: !!python/object/apply:os.system [touch hacked]\n", "could not determine a constructor"),
    "long number": (SWEEP + f"seed: {'9' * 5000}\n", "a value is longer than 4096 characters"),
    "number base 60": (SWEEP + f"seed: {'9:' * 60_000}9\n", "a value is longer than 4096 characters"),
    "no such day": (SWEEP.replace("11-01", "13-01"), "month must be in 1..12"),
    "wrong tag": (SWEEP + "seed: !!int ''\n", "is not readable as YAML"),
    "wrong time": (SWEEP + "seed: !!timestamp x\n", "is not readable as YAML"),
    "NUL": (SWEEP + "x: \0\n", "special characters are not allowed"),
    "not UTF-8": (b"\xff\xfe\xfa", "is not readable as YAML"),
    "name with a newline": (SWEEP.replace("aer:", '"aer\\n":'), "name 'aer\\n' is wrong; expected a small letter"),
    "path as a name": (SWEEP.replace("aer:", '"../aer":'), "name '../aer' is wrong"),
    "infinite": (SWEEP + "baseline_limit_s: .inf\n", "baseline_limit_s: inf is wrong; expected a finite number."),
    "no number": (SWEEP + "budgets: [{team: a, money: .nan}]\n", "money: nan is wrong; expected a finite number."),
    "a list": ("- a\n", "must hold a mapping with the keys start, "),
}


@pytest.mark.parametrize(("text", "told"), YAML.values(), ids=YAML)
@pytest.mark.usefixtures("limited")
def test_hostile_settings_are_refused(tmp_path, text, told):
    file = tmp_path / "sweep.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError) as refused:
        load_settings(file)
    assert told in str(refused.value)
    assert len(str(refused.value)) < 1000
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.yaml"]


def test_a_huge_environment_file_is_refused(tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / ".env").write_text("A=" + "x" * 70_000)
    with pytest.raises(
        ConfigurationError, match=r"\.env is larger than 65536 bytes; it is for a few secrets. Shorten it\.$"
    ):
        load_settings(tmp_path / "sweep.yaml")


EDGES, PRICES, LABELS = "source,target\n0,1\n", "date,A,B\n", "a,label\n1,x\n"
CSV = {
    "edges, too large": (
        read_edges,
        EDGES + "\n" * MIB,
        "x.csv: is larger than 1,048,576 bytes, the cap for an edge list",
    ),
    "edges, wide": (
        read_edges,
        "source" + "," * 500_000,
        "x.csv, row 1: has 500001 columns; expected the header `source,target[,weight]`",
    ),
    "edges, one long field": (
        read_edges,
        EDGES + '"' + "x" * 200_000 + '",1\n',
        "x.csv, row 3: is not valid CSV: field larger than field limit (131072)",
    ),
    "edges, not a number": (read_edges, "source,target,weight\n0,1,nan\n", None),
    "edges, beyond float": (read_edges, "source,target,weight\n0,1,1e400\n", None),
    "edges, a formula": (read_edges, EDGES + '"=cmd|x",1\n', None),
    "edges, NUL": (read_edges, EDGES + "1,\0\n", None),
    "prices, too large": (
        read_prices,
        PRICES + "x" * 5 * MIB,
        "x.csv: is larger than 5 MiB; use fewer assets or a coarser time step",
    ),
    "prices, wide": (
        read_prices,
        "date," + ",".join(f"A{k}" for k in range(50_000)) + "\n",
        (
            "x.csv, row 1: has 50000 assets; the workload portfolio takes at most 20, one qubit each, and cannot "
            "decompose: split the file"
        ),
    ),
    "labels, too large": (read_labeled_csv, LABELS + "x" * 5 * MIB, "x.csv: is larger than 5 MiB; cut rows or columns"),
    "labels, long": (
        read_labeled_csv,
        "a,label\n" + "1,x\n" * 5001,
        "x.csv, row 5002: has more than 5000 rows of data; cut the file",
    ),
    "labels, wide": (
        read_labeled_csv,
        "a," * 100_000 + "label\n",
        "x.csv, row 1: has 100001 columns; from 2 to 200 are taken, `label` included",
    ),
    "labels, infinite": (
        read_labeled_csv,
        "a,label\ninf,x\n",
        "x.csv, row 2, column 'a': 'inf' is not a finite number",
    ),
    "labels, control characters": (read_labeled_csv, "a,label\n1,\x1b[2J\n", None),
    "not UTF-8": (read_labeled_csv, b"a,label\n\xff,x\n", "x.csv, row 2: is not UTF-8 text; save it as UTF-8"),
}


@pytest.mark.parametrize(("read", "text", "told"), CSV.values(), ids=CSV)
@pytest.mark.usefixtures("limited")
def test_hostile_inputs_are_refused_by_file_and_place(tmp_path, read, text, told):
    file = tmp_path / "x.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ProblemError) as refused:
        read(file, source="x.csv")
    assert str(refused.value) == (told or str(refused.value))
    assert len(str(refused.value)) < 300
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("stem", ["..", ".hidden", "-rf", "a b", "a'b", "<b>", "a\n", "x" * 121, "é"])
def test_a_file_whose_name_could_not_be_an_instances_is_refused(tmp_path, stem):
    with pytest.raises(ProblemError, match="the file's name becomes the instance's"):
        instance_name(tmp_path / f"{stem}.csv", source="x.csv")


def qpy(*, qubits=1, clbits=0, version=17, programs=1, kind=b"q", offset=28):
    """Return QPY that ends behind its header: 60 bytes that announce a circuit."""
    head = struct.pack("!6sBBBBQcc", b"QISKIT", version, 2, 0, 0, programs, b"p", kind)
    head += struct.pack("!Q", offset) if version >= 16 else b""
    return head + struct.pack("!HcHIIQIQI", 0, b"f", 8, qubits, clbits, 2, 0, 0, 0) + bytes(8) + b"{}"


QPY = {
    "many qubits": (
        qpy(qubits=200_000),
        CapacityError,
        "A circuit of 200000 qubits and 0 classical bits is refused; the caps are 4096 and 65536.",
    ),
    "many classical bits": (qpy(clbits=2**32 - 1), CapacityError, "classical bits is refused"),
    "many circuits": (qpy(programs=2**60), CompilationError, "where one circuit is expected"),
    "a schedule": (qpy(kind=b"s"), CompilationError, "the first of kind b's', where one circuit is expected"),
    "hidden circuit": (qpy(offset=40), CompilationError, "the circuit is not where it belongs"),
    "old version": (qpy(version=3), CompilationError, "not of the versions 13 to 17"),
    "new version": (qpy(version=200), CompilationError, "not of the versions 13 to 17"),
    "cut": (qpy()[:30], CompilationError, "is not a circuit in QPY (error: "),
    "pickle": (b"\x80\x04\x95cos\nsystem\n(S'touch hacked'\ntR.", CompilationError, "is not a circuit in QPY"),
}


@pytest.mark.parametrize(("content", "error", "told"), QPY.values(), ids=QPY)
def test_hostile_circuits_are_refused_before_qiskit_reads_them(monkeypatch, content, error, told):
    import qiskit.qpy

    monkeypatch.setattr(qiskit.qpy, "load", lambda _file: pytest.fail("Qiskit was asked to read it"))
    packed = zlib.compress(content)
    with pytest.raises(error) as refused:
        payload.load(packed, payload.payload_sha(packed))
    assert told in str(refused.value)


def test_a_circuit_that_is_large_when_packed_is_refused():
    packed = bytes(32 * MIB + 1)
    with pytest.raises(CapacityError, match="A circuit of 33554433 packed bytes is refused; the cap is 33554432"):
        payload.load(packed, payload.payload_sha(packed))


def test_what_we_write_passes_the_header_check():
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(133, 133, name="größer", metadata={"a": 1}, global_phase=0.5)
    circuit.measure(range(133), range(133))
    assert payload.load(*payload.dump(circuit)) == circuit


def npz(**members):
    """Return an archive of raw members, deflated."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return content.getvalue()


def npy(header, data=b""):
    """Return an array file with any header."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def saved(value, *, allow_pickle=False):
    """Return an array file as NumPy writes it."""
    content = io.BytesIO()
    np.save(content, value, allow_pickle=allow_pickle)
    return content.getvalue()


FACTS = saved(np.frombuffer(b"{}", dtype=np.uint8))
ARRAYS = {
    "announces a terabyte": npz(
        facts=FACTS, a=npy("{'descr': '<f8', 'fortran_order': False, 'shape': (137438953472,)}")
    ),
    "negative": npz(facts=FACTS, a=npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}")),
    "pickled": npz(facts=FACTS, a=saved(np.array([{}], dtype=object), allow_pickle=True)),
    "code in the header": npz(
        facts=FACTS, a=npy("{'descr': __import__('os').getcwd(), 'fortran_order': 0, 'shape': ()}")
    ),
    "no array": npz(facts=FACTS, a=b"x"),
    "no archive": b"PK\x03\x04" + b"x" * 50,
    "deep facts": npz(facts=saved(np.frombuffer(DEEP.encode(), dtype=np.uint8))),
    "bomb": npz(facts=FACTS, a=saved(np.zeros(3 * MIB, dtype=np.uint8))),
}


def sealed(content):
    """Return what a sealed file would hold, its checksum right."""
    body = zlib.compress(content, 1)
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


@pytest.mark.parametrize("content", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.usefixtures("limited")
def test_hostile_arrays_count_as_damage(tmp_path, monkeypatch, content):
    monkeypatch.setattr(sealed_files, "MAX_BYTES", MIB)
    store = FileResultStore(tmp_path)
    path = tmp_path / "ab" / "abcd.npz"
    path.parent.mkdir()
    path.write_bytes(sealed(content))
    assert store.get("abcd") is None
    assert [file.name.partition(".npz.")[2][:7] for file in path.parent.iterdir()] == ["corrupt"]


@pytest.mark.parametrize("content", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.usefixtures("limited")
def test_hostile_job_files_count_as_damage(tmp_path, monkeypatch, content):
    monkeypatch.setattr(_archive, "MAX_ARRAYS_BYTES", MIB)
    line = json.dumps({"arrays_sha256": hashlib.sha256(content).hexdigest()}).encode()
    if content is ARRAYS["deep facts"]:
        line, content = DEEP.encode(), b""
    (tmp_path / "outcome").write_bytes(hashlib.sha256(line).hexdigest().encode() + b"\n" + line + b"\n" + content)
    with pytest.raises(
        ResultIntegrityError, match=r"^outcome in .* does not match its checksum; it was cut or altered"
    ):
        _archive.read(tmp_path / "outcome")


def test_a_sealed_file_that_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ResultIntegrityError, match=r"pipe is not a regular file\.$"):
        read_sealed(tmp_path / "pipe")


DOCUMENTS = {"deep": DEEP, "empty": "", "number": "1", "list": "[]", "null": "null", "long number": "9" * 5000}


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
@pytest.mark.usefixtures("limited")
def test_hostile_documents_count_as_damage_in_every_store(tmp_path, text):
    key = "abcd"
    for file in (f"ab/{key}.json", f"aer/{key}.json", f"2026-11-02/aer/{key}.json", f"ab/{key}.qpyz"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    assert BaselineStore(tmp_path).get(key) is None
    with pytest.raises(ResultIntegrityError, match="is damaged"):
        InstanceStore(tmp_path).get(key)
    with pytest.raises(ResultIntegrityError, match="is damaged"):
        CalibrationStore(tmp_path).get("aer", key)
    assert CalibrationStore(tmp_path).history("aer") == []
    with pytest.raises(ResultIntegrityError, match=r"Restore it, or remove it\.$"):
        RecordLog(tmp_path).get("2026-11-02", "aer", key)
    assert FileCircuitCache(tmp_path).get(key) is None
    with pytest.raises(CompilationError, match="lost step"):
        frames.read(
            io.BytesIO(struct.pack(">II", len(text), 0) + text.encode() if text else struct.pack(">II", 2**31, 9))
        )


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_a_hostile_name_reaches_no_path(tmp_path, name):
    root = tmp_path / "root"
    root.mkdir()
    (root / "sweep.yaml").write_text(SWEEP)
    settings = load_settings(root / "sweep.yaml")
    attempts = {
        "night": lambda: night_named(settings, name),
        "partition": lambda: Warehouse(root).publish("decisions", [], partition={"night": name, "workload": "maxcut"}),
        "workload": lambda: Warehouse(root).publish(
            "decisions", [], partition={"night": "2026-11-02", "workload": name}
        ),
        "result": lambda: FileResultStore(root).get(name),
        "instance": lambda: InstanceStore(root).get(name),
        "baseline": lambda: BaselineStore(root).get(name),
        "circuit": lambda: FileCircuitCache(root).get(name),
        "calibration": lambda: CalibrationStore(root).get("aer", name),
        "backend": lambda: CalibrationStore(root).get(name, "x"),
        "history": lambda: CalibrationStore(root).history(name),
        "record": lambda: RecordLog(root).put(name, "a", "b", {}),
    }
    if name not in {"a'; DROP TABLE x;--", "<b>"}:  # odd, but harmless in a path: every SQL value is bound
        attempts["key"] = lambda: RecordLog(root).put("2026-11-02", "a", name, {})
    if name == "a'; DROP TABLE x;--":
        del attempts["record"]
    for attempt in attempts.values():
        with pytest.raises((ConfigurationError, UsageError, WarehouseError)):
            attempt()
    assert [path.name for path in root.rglob("*")] == ["sweep.yaml"]
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_every_refusal_is_one_of_ours():
    """So that the command shows a sentence and no traceback."""
    for error in (ConfigurationError, ProblemError, CapacityError, CompilationError, ResultIntegrityError):
        assert issubclass(error, HybridAssetsError)
