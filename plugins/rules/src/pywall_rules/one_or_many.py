"""``OneOrMany[T]``: a parameter that is one value or a list of them; its schema is written here once."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from .lists import one_or_more, text

T = TypeVar("T")


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else one_or_more(value)


class _OneOrManySchema:
    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        many = handler(schema)
        one = many.get("items", {})
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


#: One value or a list that is not empty, as a tuple.
OneOrMany = Annotated[tuple[T, ...], BeforeValidator(_as_list), _OneOrManySchema()]
#: Text; a number or truth value is refused, with the quotes that it lacks.
Word = Annotated[str, BeforeValidator(text)]
