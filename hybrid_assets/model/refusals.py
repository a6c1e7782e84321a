"""What Pydantic refuses, in our words: where, what stands there, what is expected. Put wording here, no rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from hybrid_assets.model.text import decimal_comma, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError

#: Longest wrong value that is repeated in a message: what stands at the wrong place may be a secret.
MAX_SHOWN = 30
#: What is expected, by the first word of Pydantic's name for the error.
_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "string": "text; put it in quotes",
    "date": "a date, YYYY-MM-DD",
    "bool": "true or false",
    "tuple": "a list: [...]",
    "dict": "a mapping, key: value",
    "model": "a mapping, key: value",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "a number of at least {:g}"),
    "greater_than": ("gt", "a number above {:g}"),
    "less_than_equal": ("le", "a number of at most {:g}"),
    "less_than": ("lt", "a number below {:g}"),
}


def sentences(exc: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Yield one sentence a refused place of a document.

    Args:
        exc: What validating it as ``model`` raised.
        model: The model of the whole document.
    """
    for error in exc.errors():
        place = ".".join(str(part) for part in error["loc"])
        if error["type"] == "extra_forbidden":
            known = keys_of(_model_at(model, error["loc"][:-1]))
            hint = nearest(str(error["loc"][-1]), known)
            yield f"{place}: unknown key. {hint}Known: {', '.join(known)}."
        elif error["type"] == "missing":
            yield f"{place}: this key is missing. Add it."
        elif error["type"] == "invalid_key":
            yield (
                f"{place}: this key is no name. Inside {{...}} a comma separates keys: write a number with a point, "
                "as in 1.60, or put quotes around a key."
            )
        elif error["type"] == "value_error":
            said = error["msg"].removeprefix("Value error, ").rstrip(".")
            yield f"{place}: {said}." if place else f"{said}."
        else:
            wrong = f"{place}: {_given(error['input'])} is wrong; expected {_expected(error)}{_comma(error['input'])}."
            yield f"{wrong} {_nearest_choice(error)}".rstrip()


def keys_of(model: type[BaseModel]) -> list[str]:
    """Return the keys of a model's document."""
    return [field.alias or name for name, field in model.model_fields.items() if not field.exclude]


def _expected(error: Any) -> str:
    kind: str = error["type"]
    facts: dict[str, Any] = error.get("ctx", {})
    if kind in _BOUNDS:
        name, text = _BOUNDS[kind]
        return text.format(float(facts[name]))
    if kind == "literal_error":
        return _choices(error)
    if kind == "string_pattern_mismatch":
        return "a name: a small letter, then small letters, digits and _, at most 40 in all"
    if kind == "too_short":
        return f"at least {facts['min_length']}"
    other: str = error["msg"]
    return _EXPECTED.get(kind.partition("_")[0], other.removeprefix("Input should be ").rstrip("."))


def _choices(error: Any) -> str:
    listed: str = error["ctx"]["expected"]
    return listed.replace("'", "")


def _nearest_choice(error: Any) -> str:
    is_choice = error["type"] == "literal_error"
    return nearest(str(error["input"]), _choices(error).replace(" or ", ", ").split(", ")) if is_choice else ""


def _comma(value: object) -> str:
    return decimal_comma(value) if isinstance(value, str) else ""


def _given(value: object) -> str:
    is_plain = value is None or isinstance(value, bool | int | float)
    return repr(value) if is_plain or (isinstance(value, str) and len(value) <= MAX_SHOWN) else "what stands there"


def _model_at(model: type[BaseModel], place: tuple[int | str, ...]) -> type[BaseModel]:
    """Return the model that a place in the document is read as."""
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside ``tuple[M, ...]``, ``dict[str, M]``, ``M | None`` or ``M`` itself."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
