"""Request bodies as JSON Schemas, in the two forms that they come in: JSON and multipart."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from voxshelf.http.body import MAX_BODY_BYTES

Schema = dict[str, Any]

_TEXT_LIMITS = {"minLength", "maxLength"}
FLAGS = (True, False, 1, 0, "true", "false", "1", "0", "yes", "no", "on", "off", "")
_DROPPED: Schema = {"description": "Anything else is dropped, and named in `warnings`."}
_FORM_NOTES = {"array": " As JSON text.", "object": " As JSON text.", "number": " A number."}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its schema in JSON, and what a form to try it out starts with.

    One that is not `nullable` has a value wherever it is sent.
    """

    name: str
    description: str
    schema: Schema
    is_file: bool = False
    example: str = ""
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The fields of one request. Of each group in `required`, at least one must be there.

    One without `has_form` is taken as JSON, or as a file of one of `file_types`. Of its
    `side_notes` any value is taken, and one that is not understood is dropped.
    """

    name: str
    description: str
    fields: tuple[Field, ...]
    required: tuple[tuple[str, ...], ...]
    has_form: bool = True
    max_bytes: int = MAX_BODY_BYTES
    file_types: tuple[str, ...] = ()
    side_notes: frozenset[str] = frozenset()

    @property
    def form_name(self) -> str:
        """Return the name of the schema of the multipart form."""
        return f"{self.name}Form"

    @property
    def schemas(self) -> dict[str, Schema]:
        """Return the schemas of its forms by name."""
        as_json = {self.name: self._schema(map(self._json_property, self.fields))}
        if not self.has_form:
            return as_json
        return {self.form_name: self._schema(map(_form_property, self.fields)), **as_json}

    def _json_property(self, field: Field) -> tuple[str, Schema]:
        name, schema = _json_property(field)
        if name not in self.side_notes:
            return name, schema
        description = schema.pop("description")
        return name, {"description": description, "anyOf": [schema, _DROPPED]}

    def _schema(self, properties: Iterable[tuple[str, Schema]]) -> Schema:
        return {
            "type": "object",
            "description": self.description,
            "properties": dict(properties),
            "allOf": [
                {"anyOf": [{"required": [name]} for name in names]} for names in self.required
            ],
        }


def _json_property(field: Field) -> tuple[str, Schema]:
    # null counts as absent: workers send `"profile_base64": null`.
    kind = field.schema["type"]
    # Lists are taken as text too, as forms send them.
    kinds = [kind, "string", "null"] if kind == "array" else [kind, "null"]
    schema = {**field.schema, "type": kinds} if field.nullable else dict(field.schema)
    if kind == "boolean":
        # As text and as a number, too, which is how forms and some languages have them.
        del schema["type"]
        schema["enum"] = [*FLAGS, None] if field.nullable else list(FLAGS)
    return field.name, {**schema, "description": field.description}


def _form_property(field: Field) -> tuple[str, Schema]:
    """Return the field of a form, where all is text but files, and empty text is absent."""
    kind = field.schema["type"]
    schema: Schema
    if field.is_file:
        schema = {"type": "string", "contentMediaType": "application/octet-stream"}
    elif kind == "boolean":
        schema = field.schema
    else:
        # Swagger UI sends the word "string" for text that has neither example nor default.
        start: Schema = {"examples": [field.example]} if field.example else {"default": ""}
        limits = {key: field.schema[key] for key in _TEXT_LIMITS & field.schema.keys()}
        schema = {"type": "string", **dict(sorted(limits.items())), **start}
    return field.name, {**schema, "description": field.description + _FORM_NOTES.get(kind, "")}
