"""Identity: the API key, the tokens made from it, and the documents that lead a client to its instance.

Put what IAM, Global Search and Global Catalog answer here; keep jobs out.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import jwt

from hybrid_assets_tests.loopback.wire import Refused, Reply, Request, reply_json

if TYPE_CHECKING:
    from hybrid_assets_tests.loopback.clock import ServerClock

PLAN_ID = "850b94a3-0000-4000-8000-00000000a9c1"


class Accounts:
    """One account with one instance; it accepts one API key."""

    def __init__(self, *, clock: ServerClock, life_s: float) -> None:
        self.api_key = "loopback-" + secrets.token_urlsafe(24)
        self.instance = (
            "crn:v1:bluemix:public:quantum-computing:us-east:a/10f0a1b2c3d4e5f60718293a4b5c6d7e:"
            "2c9f1a57-0b3d-4e6f-8a91-5d7c3b1e0f24::"
        )
        self._clock, self._life_s = clock, life_s
        self._signature = secrets.token_hex(32)
        self._ends: dict[str, float] = {}
        self._lock = threading.Lock()

    def token(self, request: Request) -> Reply:
        """Answer IAM's ``POST /identity/token``."""
        form = parse_qs(request.body.decode())
        if form.get("apikey") != [self.api_key]:
            raise Refused(400, "BXNIM0415E", "Provided API key could not be found.")
        issued = int(self._clock.now().timestamp())
        expiration = int(issued + self._life_s)
        claims = {"iat": issued, "exp": expiration, "iss": "loopback", "jti": secrets.token_hex(8)}
        token = jwt.encode(claims, self._signature, algorithm="HS256")
        with self._lock:
            self._ends[token] = time.monotonic() + self._life_s
        return reply_json({
            "access_token": token,
            "refresh_token": "not_supported",
            "token_type": "Bearer",
            "expires_in": int(self._life_s),
            "expiration": expiration,
            "scope": "ibm openid",
        })  # fmt: skip

    def revoke(self) -> None:
        """Make every token issued so far invalid."""
        with self._lock:
            self._ends.clear()

    def check(self, request: Request, *, needs_instance: bool) -> None:
        """Refuse a request without a valid token or, as the real API accepts it too, the key itself.

        Raises:
            Refused: 401, or 403 for another instance.
        """
        scheme, _, secret = (request.headers.get("Authorization") or "").partition(" ")
        with self._lock:
            is_known = self._ends.get(secret, 0.0) > time.monotonic()
        if not (is_known if scheme == "Bearer" else scheme == "apikey" and secret == self.api_key):
            raise Refused(401, 1200, "Authentication failed: the token is invalid or expired.")
        if needs_instance and request.headers.get("Service-CRN") != self.instance:
            raise Refused(403, 1207, "The instance is not one of this account.")

    def search(self, _: Request) -> Reply:
        """Answer Global Search: the instances of the account."""
        item = {
            "crn": self.instance,
            "service_plan_unique_id": PLAN_ID,
            "name": "loopback-instance",
            "doc": {"extensions": {"backends": "any"}},
            "tags": [],
        }
        return reply_json({"items": [item], "limit": 100})

    def catalog(self, _: Request) -> Reply:
        """Answer Global Catalog: the plan of the instance."""
        return reply_json({
            "id": PLAN_ID,
            "overview_ui": {"en": {"display_name": "Pay-As-You-Go"}},
            "metadata": {"pricing": {"type": "paygo"}},
        })  # fmt: skip
