"""A result's text against the request it must answer."""

from __future__ import annotations

import base64
import json
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.primitives.containers import BitArray

from hybrid_assets.errors import ResultIntegrityError, TransientProviderError
from hybrid_assets.model.jobs import ExecutionKind
from hybrid_assets.providers._ibm_requests import SentPub, SentRequest, describe
from hybrid_assets.providers._ibm_results import read_result
from hybrid_assets_tests.unit.providers.pubs import pub, qaoa, request


def sent(*, rows=2, shots=3, bits=2, is_bare=False, randomizations=0, shots_each=None):
    names = tuple(f"c{k}" for k in range(rows if is_bare else 1))
    asked = SentPub(kernel_id="k", registers=names, is_bare=is_bare, num_bits=bits, rows=rows)
    return SentRequest(
        request_id="req",
        shots=shots,
        randomizations=randomizations,
        shots_each=shots_each or shots,
        content="",
        pubs=(asked,),
    )


def tensor(bits, **changed):
    array = np.asarray(bits, dtype=bool)
    packed = np.packbits(array.astype(np.uint8), bitorder="little").tobytes()
    data = base64.b64encode(zlib.compress(packed)).decode()
    return {"data": data, "shape": list(array.shape), "dtype": "bool"} | changed


def text_of(*items, **more):
    return json.dumps({"schema_version": "v2.0", "data": [{"results": item} for item in items], **more})


def decode(text):
    """Decode as the client does: the first bit is the least significant."""
    found = []
    for item in json.loads(text)["data"]:
        arrays = {}
        for name, value in item["results"].items():
            raw = np.frombuffer(zlib.decompress(base64.b64decode(value["data"])), np.uint8)
            bits = np.unpackbits(raw, bitorder="little")[: int(np.prod(value["shape"]))].reshape(value["shape"])
            arrays[name] = BitArray.from_bool_array(bits.astype(bool), order="little")
        found.append(SimpleNamespace(data=SimpleNamespace(**arrays)))
    return found


#: Two rows, three shots, two bits, bit 0 first: row 0 holds 1, 1, 2; row 1 holds 3, 0, 3.
BITS = [[[1, 0], [1, 0], [0, 1]], [[1, 1], [0, 0], [1, 1]]]


def test_bits_become_sorted_outcomes_bit_i_first():
    (got,) = read_result(text_of({"c0": tensor(BITS)}), sent(), decode=decode)
    assert [[list(map(int, part)) for part in got.counts.row(row)] for row in (0, 1)] == [
        [[1, 2], [2, 1]],
        [[0, 3], [1, 2]],
    ]
    assert (got.execution, got.counts.outcomes.dtype, got.counts.counts.dtype) == (ExecutionKind.QPU, "uint64", "int64")


def test_circuits_without_parameters_are_the_rows_of_their_kernel():
    text = text_of({"c0": tensor(BITS[0])}, {"c1": tensor(BITS[1])})
    (got,) = read_result(text, sent(is_bare=True), decode=decode)
    assert got.counts.num_rows == 2


def test_shots_beyond_those_asked_for_are_left_out_where_twirling_rounds_up():
    """Two randomizations of two shots for three: as they come, one after the other."""
    flat = {"c0": tensor(np.zeros((2, 1, 2, 2)))}
    asked = sent(rows=1, randomizations=2, shots_each=2)

    def flattened(_):
        return [SimpleNamespace(data=SimpleNamespace(c0=SimpleNamespace(array=np.zeros((1, 4, 1), np.uint8))))]

    (got,) = read_result(text_of(flat), asked, decode=flattened)
    assert got.counts.row_sums().tolist() == [3]


@pytest.mark.parametrize("text", ["", "  ", "null", "null\n"])
def test_nothing_is_not_a_result_yet(text):
    with pytest.raises(TransientProviderError):
        read_result(text, sent(), decode=decode)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("{", "form of the executor", id="cut"),
        pytest.param("<html></html>", "form of the executor", id="a page of a proxy"),
        pytest.param("[1]", "form of the executor", id="another form"),
        pytest.param("[" * 100_000, "form of the executor", id="nested without end"),
        pytest.param(text_of(), "0 circuits instead of 1", id="no circuit"),
        pytest.param(text_of({"c0": tensor(BITS)}, {"c1": tensor(BITS)}), "2 circuits", id="one too many"),
        pytest.param(text_of({"cx": tensor(BITS)}), "another job", id="other register"),
        pytest.param(text_of({"c0": tensor(BITS), "c1": tensor(BITS)}), "another job", id="more registers"),
        pytest.param(text_of({"c0": tensor(np.array(BITS)[:, :2])}), "shape", id="fewer shots"),
        pytest.param(text_of({"c0": tensor(np.array(BITS)[:1])}), "shape", id="fewer rows"),
        pytest.param(text_of({"c0": tensor(np.array(BITS)[..., :1])}), "shape", id="fewer bits"),
        pytest.param(text_of({"c0": tensor(np.zeros((2, 3, 9)))}), "more, or others", id="more bits"),
        pytest.param(text_of({"c0": tensor(BITS, dtype="f64")}), "more, or others", id="other kind"),
        pytest.param(text_of({"c0": tensor(BITS, shape=[2, 3, -2])}), "more, or others", id="negative shape"),
        pytest.param(text_of({"c0": tensor(BITS, data="%%%")}), "damaged", id="no base64"),
        pytest.param(text_of({"c0": tensor(BITS, data="AAAA")}), "damaged", id="no zlib"),
        pytest.param(text_of({"c0": None}), "damaged", id="no array"),
        pytest.param(text_of({"c0": tensor(BITS)}, passthrough_data={"x": tensor(BITS)}), "besides", id="extra array"),
        pytest.param(text_of({"c0": tensor(BITS)}, metadata={"__type__": "ndarray"}), "objects", id="encoded object"),
    ],
)
def test_what_was_not_asked_for_is_refused(text, why):
    with pytest.raises(ResultIntegrityError, match=why):
        read_result(text, sent(), decode=decode)


def test_a_bomb_is_unpacked_no_further_than_the_size_asked_for(monkeypatch):
    """100 MB of zeros in 100 kB; the shape promises two bytes."""
    bomb = base64.b64encode(zlib.compress(bytes(100_000_000))).decode()
    unpacked, real = [], zlib.decompressobj

    class Counting:
        eof = False

        def __init__(self):
            self._real = real()

        def decompress(self, data, limit):
            out = self._real.decompress(data, limit)
            unpacked.append(len(out))
            return out

    text = text_of({"c0": tensor(BITS, data=bomb)})
    monkeypatch.setattr("hybrid_assets.providers._ibm_results.zlib.decompressobj", Counting)
    with pytest.raises(ResultIntegrityError):
        read_result(text, sent(), decode=decode)
    assert unpacked == [3]  # 12 bits are two bytes, and one more shows that there is more


def test_what_the_client_cannot_decode_is_refused():
    def broken(_):
        raise KeyError("twirling")

    with pytest.raises(ResultIntegrityError, match="KeyError"):
        read_result(text_of({"c0": tensor(BITS)}), sent(), decode=broken)


@given(rows=st.integers(1, 3), shots=st.integers(1, 9), bits=st.integers(1, 40), seed=st.integers(0, 1000))
def test_any_bits_come_back_as_they_were(rows, shots, bits, seed):
    array = np.random.default_rng(seed).integers(0, 2, (rows, shots, bits)).astype(bool)
    (got,) = read_result(text_of({"c0": tensor(array)}), sent(rows=rows, shots=shots, bits=bits), decode=decode)
    for row in range(rows):
        expected = sorted(sum(int(bit) << k for k, bit in enumerate(shot)) for shot in array[row])
        outcomes, counts = got.counts.row(row)
        assert np.repeat(outcomes, counts).tolist() == expected


def test_every_circuit_of_every_request_has_a_name_of_its_own():
    """Twins in one request, the same kernel in another request, and the same request's other places all differ."""
    twins = [pub(qaoa(2, ((0, 1),), 1), np.zeros((2, 2)), kernel_id="k") for _ in range(2)]
    requests = [request(*twins, request_id=name) for name in ("a", "b")]
    names = [
        name
        for one in requests
        for sent_pub in describe(one, bare={1}, is_twirled=False).pubs
        for name in sent_pub.registers
    ]
    assert len(set(names)) == len(names) == 2 * (1 + 2)
    assert all(name.isidentifier() for name in names)
    assert describe(requests[0], bare={1}, is_twirled=False) == describe(requests[0], bare={1}, is_twirled=False)


@pytest.mark.parametrize(("shots", "expected"), [(1, (1, 1)), (64, (1, 64)), (1000, (16, 63)), (4096, (32, 128))])
def test_twirled_shots_are_spread_over_at_most_32_randomizations(shots, expected):
    one = request(pub(qaoa(2, ((0, 1),), 1), np.zeros((1, 2)), shots=shots))
    got = describe(one, is_twirled=True)
    assert (got.randomizations, got.shots_each) == expected
    assert got.randomizations * got.shots_each >= shots
