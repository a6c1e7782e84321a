"""Options of an IBM backend, and the secret that is none of them."""

from __future__ import annotations

import base64
import copy
import pickle
from urllib.parse import quote

import pytest

from hybrid_assets.errors import ConfigurationError
from hybrid_assets.providers._ibm_options import IbmOptions
from hybrid_assets.providers._ibm_secret import MASK, Secret

NEEDED = {"device": "ibm_torino", "instance": "crn:v1:x"}
TOKEN = "aB3-dE5+gH7/jK9=mN1"  # noqa: S105 - made up, with characters that URLs write otherwise


def parse(**options):
    return IbmOptions.parse(NEEDED | options, "ibm")


def test_the_defaults_are_the_documented_ones():
    options = parse()
    assert (options.mode, options.posts_per_minute, options.token_env) == ("batch", 5, "QISKIT_IBM_TOKEN")
    assert (options.read_timeout_s, options.post_timeout_s, options.deadline_s) == (30.0, 60.0, 120.0)
    assert options.execution == "fractional gates off, decoupling off, twirling off"
    assert options.leave_s == 60.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": None}, "device"),
        ({"instance": ""}, "instance"),
        ({"devise": "x"}, "Did you mean 'device'"),
        ({"mode": "session"}, "batch or job"),
        ({"dynamical_decoupling": True}, "dynamical_decoupling"),
        ({"dynamical_decoupling": "XYX"}, "XX or XpXm or XY4"),
        ({"twirling": {"gate": True}}, "twirling.gate"),
        ({"twirling": True}, "twirling"),
        ({"fractional_gates": True, "twirling": {"gates": True}}, "exclude each other"),
        ({"posts_per_minute": 0}, "posts_per_minute"),
        ({"deadline_s": 60.0}, "more than post_timeout_s, 60"),
        ({"url": "http://example.org/api/v1"}, "https"),
        ({"iam_url": "ftp://127.0.0.1"}, "https"),
        ({"url": "https://user:word@example.org"}, "without a login"),
    ],
)
def test_a_wrong_option_is_named(options, words):
    with pytest.raises(ConfigurationError, match=words):
        parse(**options)


def test_plain_http_goes_to_this_machine_only():
    assert parse(url="http://127.0.0.1:8080/api/v1/").url == "http://127.0.0.1:8080/api/v1"


@pytest.mark.parametrize("options", [{"token_env": TOKEN}, {"token_env": "aBcDeF0123456789"}])
def test_a_token_in_the_place_of_a_variable_s_name_is_not_repeated(options):
    with pytest.raises(ConfigurationError, match="not the token") as caught:
        parse(**options)
    assert options["token_env"] not in str(caught.value)


def test_a_login_in_a_url_is_not_repeated():
    with pytest.raises(ConfigurationError) as caught:
        parse(url="https://user:word@example.org/x")
    assert "word" not in str(caught.value)


def test_execution_options_are_told_apart():
    several = [
        {},
        {"fractional_gates": True},
        *({"dynamical_decoupling": name} for name in ("XX", "XpXm", "XY4")),
        {"twirling": {"gates": True}},
        {"twirling": {"measure": True}},
        {"twirling": {"measure": True, "gates": True}},
    ]
    assert len({parse(**options).execution for options in several}) == len(several)


def test_a_secret_shows_itself_to_nobody_who_does_not_ask():
    secret = Secret(TOKEN)
    assert secret.reveal() == TOKEN
    for text in (repr(secret), str(secret), f"{secret}", f"{[secret]}"):
        assert TOKEN not in text
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            write(secret)


@pytest.mark.parametrize(
    "form", [TOKEN, quote(TOKEN, safe=""), base64.b64encode(TOKEN.encode()).decode(), "eyJhbGciOiJIUzI1.eyJpYXQi.x_y-z"]
)
def test_a_secret_is_scrubbed_in_every_form_it_travels_in(form):
    assert Secret(TOKEN).scrub(f"before {form} after") == f"before {MASK} after"
