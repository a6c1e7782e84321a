"""Whatever the client raises, as one of our errors."""

from __future__ import annotations

import json

import pytest
import requests

from hybrid_assets.errors import (
    BackendUnavailableError,
    CapacityError,
    ConfigurationError,
    CredentialsError,
    JobFailedError,
    PermanentProviderError,
    RateLimitedError,
    TransientProviderError,
)
from hybrid_assets.providers._error_codes import CODES, error_class
from hybrid_assets.providers._error_meanings import MEANINGS
from hybrid_assets.providers._error_table import error_table
from hybrid_assets.providers._ibm_errors import UnauthorizedError, as_answer_to_a_question, translate
from hybrid_assets.providers._ibm_secret import Secret

SECRET = Secret("s3cret-value")


def answered(status, content=None, headers=None):
    """Return an exception that hides an answer the way the client does: two of its own above, linked both ways."""
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps(content).encode() if content is not None else b"<html>"
    response.headers.update(headers or {})
    middle, top = RuntimeError("RequestsApiError"), ValueError("Failed to run program")
    middle.__cause__ = requests.HTTPError("bad", response=response)
    top.__context__, top.__suppress_context__ = middle, True  # raised ``from None``
    return top


def told(exc, **options):
    return translate(exc, doing="Asking", secret=SECRET, **options)


def errors_of(code, message="words"):
    return {"errors": [{"code": code, "message": message}], "trace": "t"}


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (401, errors_of(1200), UnauthorizedError),
        (403, errors_of(1207), CredentialsError),
        (404, errors_of(1291), PermanentProviderError),
        (408, None, TransientProviderError),
        (429, None, RateLimitedError),
        (500, None, TransientProviderError),
        (503, errors_of(1999), BackendUnavailableError),
        (524, None, TransientProviderError),
        (400, errors_of(3458), RateLimitedError),
        (400, errors_of(6000), CapacityError),
        (400, {"error": {"code": 1517, "message": "no"}}, JobFailedError),
        (400, errors_of(8765), PermanentProviderError),
        (418, None, PermanentProviderError),
    ],
)
def test_the_answer_behind_an_exception_decides(status, content, expected):
    error = told(answered(status, content))
    assert type(error) is expected
    assert f"HTTP {status}" in str(error)


def test_code_and_retry_after_are_facts_and_the_service_s_words_are_quoted():
    error = told(answered(429, errors_of(1202, "Too many."), {"Retry-After": "7"}))
    assert error.facts == {"code": "1202", "status": 429, "retry_after_s": 7.0}
    assert "Too many" in str(error)


def test_a_retry_after_that_is_a_date_leaves_the_pause_to_us():
    error = told(answered(429, None, {"Retry-After": "Wed, 25 Nov 2026 07:28:00 GMT"}))
    assert "retry_after_s" not in error.facts


@pytest.mark.parametrize(
    "exc",
    [
        requests.ConnectionError("reset"),
        requests.ReadTimeout("slow"),
        TimeoutError("slow"),
        json.JSONDecodeError("cut", "{", 1),
    ],
)
def test_the_line_s_trouble_passes(exc):
    assert type(told(exc, fallback=PermanentProviderError)) is TransientProviderError


def test_what_neither_answer_nor_line_explains_is_the_caller_s_to_classify():
    assert type(told(KeyError("x"))) is TransientProviderError
    assert type(told(KeyError("x"), fallback=PermanentProviderError)) is PermanentProviderError


def test_an_error_of_ours_stays_itself_wherever_the_client_wrapped_it():
    ours, wrapping = CredentialsError("stopped"), RuntimeError("client")
    wrapping.__cause__ = ours
    assert told(wrapping) is ours


def test_secrets_are_not_quoted_and_quotations_are_short():
    error = told(answered(400, errors_of(8765, f"key s3cret-value {'x' * 5000}")))
    assert "s3cret" not in str(error)
    assert len(str(error)) < 600


def test_a_question_has_no_circuits_to_split():
    """The control plane hears of questions in provider and configuration errors only."""
    assert type(as_answer_to_a_question(CapacityError("x", code="6000"))) is PermanentProviderError
    assert type(as_answer_to_a_question(ConfigurationError("x"))) is ConfigurationError


def expanded(codes):
    """Return the codes of a row: ``2600-2602`` has three."""
    first, _, last = codes.partition("-")
    return [str(code) for code in range(int(first), int(last or first) + 1)]


def test_the_table_tells_what_codes_mean_and_those_that_mean_the_same_in_one_row():
    meanings = {row.code: row.meaning for row in error_table()}
    assert meanings["2600-2622"] == "the backend is not there, not set up, or not allowed for this account"
    assert (meanings["1007"], meanings["1291"]) == ("there is no such backend", "there is no such job")
    assert meanings["1305"] == "the job ran longer than its maximum execution time"
    unknown = [code for code, meaning in meanings.items() if code[:1].isdigit() and not meaning]
    assert unknown == ["1216", "7007-7009"]  # the public list does not explain them


def test_every_meaning_is_of_a_code_in_the_table():
    listed = {code for row in error_table() if row.code[:1].isdigit() for code in expanded(row.code)}
    assert set(MEANINGS) - listed == set()


def test_the_table_people_read_is_the_table_the_machine_uses():
    rows = error_table()
    listed = [(code, row) for row in rows if row.code[:1].isdigit() for code in expanded(row.code)]
    assert [code for code, _ in listed] == sorted({*CODES, "1007", "1291", "9999"}, key=int)
    assert {code: row.error_class for code, row in listed} == {code: error_class(code) for code, _ in listed}
    assert rows[-1].code == "any other"
    assert all(row.action and row.error_class for row in rows)
