"""What each error of AWS lets us do."""

from __future__ import annotations

import botocore.exceptions as aws
import pytest
from botocore.exceptions import ClientError

from hybrid_assets import errors
from hybrid_assets.protocols import ErrorExplainingProvider
from hybrid_assets.providers._braket_errors import CODES, translated
from hybrid_assets.providers.braket import BraketProvider


def _answer(code, status=400, headers=None):
    about = {"HTTPStatusCode": status, "HTTPHeaders": headers or {}}
    return ClientError({"Error": {"Code": code, "Message": "words"}, "ResponseMetadata": about}, "Operation")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ThrottlingException", errors.RateLimitedError),
        ("ServiceQuotaExceededException", errors.RateLimitedError),
        ("DeviceOfflineException", errors.BackendUnavailableError),
        ("DeviceRetiredException", errors.PermanentProviderError),
        ("ValidationException", errors.PermanentProviderError),
        ("ResourceNotFoundException", errors.PermanentProviderError),
        ("AccessDeniedException", errors.CredentialsError),
        ("ExpiredTokenException", errors.CredentialsError),
        ("UnrecognizedClientException", errors.CredentialsError),
        ("NoSuchKey", errors.TransientProviderError),
        ("NoSuchBucket", errors.ConfigurationError),
        ("NeverHeardOfException", errors.PermanentProviderError),
    ],
)
@pytest.mark.parametrize("creates", [True, False])
def test_answer_becomes_the_error_of_its_code(code, expected, creates):
    found = translated(_answer(code), "do it", creates=creates)
    assert type(found) is expected
    assert found.facts["code"] == code
    assert "AWS could not do it" in str(found)


@pytest.mark.parametrize(
    ("exc", "otherwise"),
    [
        (_answer("InternalServiceException", 500), errors.TransientProviderError),
        (_answer("ConflictException", 409), errors.PermanentProviderError),
        (_answer("502", 502), errors.TransientProviderError),
        (aws.EndpointConnectionError(endpoint_url="u"), errors.BackendUnavailableError),
        (aws.ConnectTimeoutError(endpoint_url="u"), errors.BackendUnavailableError),
        (aws.ReadTimeoutError(endpoint_url="u"), errors.BackendUnavailableError),
        (aws.ConnectionClosedError(endpoint_url="u"), errors.BackendUnavailableError),
        (aws.ResponseStreamingError(error="cut"), errors.BackendUnavailableError),
        (aws.PaginationError(message="twice"), errors.TransientProviderError),
    ],
)
def test_missing_or_unclear_answer_to_a_creation_leaves_open_whether_the_task_exists(exc, otherwise):
    assert type(translated(exc, "do it", creates=True)) is errors.SubmissionUnknownError
    assert type(translated(exc, "do it")) is otherwise


@pytest.mark.parametrize(
    "exc",
    [
        aws.NoCredentialsError(),
        aws.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        aws.ProfileNotFound(profile="p"),
        aws.UnauthorizedSSOTokenError(),
        aws.CredentialRetrievalError(provider="p", error_msg="no"),
    ],
)
def test_missing_credentials_never_count_as_sent(exc):
    assert type(translated(exc, "create a task", creates=True)) is errors.CredentialsError


def test_request_that_was_never_sent_is_permanent():
    exc = aws.ParamValidationError(report="shots")
    assert type(translated(exc, "create a task", creates=True)) is errors.PermanentProviderError


def test_wait_that_was_asked_for_is_kept():
    found = translated(_answer("ThrottlingException", 429, {"retry-after": "7"}), "do it")
    assert found.facts["retry_after_s"] == 7.0
    assert "retry_after_s" not in translated(_answer("ThrottlingException", 429), "do it").facts


def test_every_error_of_the_operations_we_use_is_in_the_table():
    """Botocore's own model of the service: a new version with a new error fails here."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("braket")
    used = ("CreateQuantumTask", "GetQuantumTask", "SearchQuantumTasks", "CancelQuantumTask", "GetDevice")
    known = {shape.name for name in used for shape in model.operation_model(name).error_shapes}
    assert known <= set(CODES)
    assert "ThrottlingException" in known


def test_table_for_people_names_every_code_and_ends_with_all_others():
    table = BraketProvider.error_table()
    assert isinstance(BraketProvider, ErrorExplainingProvider)
    assert [row.code for row in table[:-2]] == list(CODES)
    assert (table[-1].code, table[-1].error_class) == ("any other", "PermanentProviderError")
    assert all(hasattr(errors, row.error_class) and row.action for row in table)
