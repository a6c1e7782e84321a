"""A secret that does not show itself. Put what keeps tokens out of texts here."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, quote_plus

#: What stands in a secret's place.
MASK = "[secret]"
#: Access tokens (JWT), which are secrets of an hour.
_ACCESS_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*")


class Secret:
    """A token; only `reveal` gives it away. It can be neither printed, compared, hashed by value nor pickled."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("A secret is not written anywhere.")

    def reveal(self) -> str:
        """Return the token itself."""
        return self._value

    def scrub(self, text: str) -> str:
        """Return a text without this secret, in any of the forms it travels in, and without access tokens."""
        value = self._value
        forms = {value, quote(value, safe=""), quote_plus(value), base64.b64encode(value.encode()).decode()}
        for form in sorted(filter(None, forms), key=len, reverse=True):
            text = text.replace(form, MASK)
        return _ACCESS_TOKEN.sub(MASK, text)
