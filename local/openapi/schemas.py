"""JSON Schemas of what the API answers, from the types in `voxshelf.http.wire`."""

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Iterable
from typing import Any

import msgspec

from local.openapi.errors import all_errors
from voxshelf import http
from voxshelf.core.audio import MAX_PEAKS
from voxshelf.http import wire

Schema = dict[str, Any]

_REF = "#/components/schemas/{name}"

# What a field's type does not say, by its name, which means the same in every object.
FIELD_NOTES: dict[str, Schema] = {
    "audio_shape": {"description": "Channels and frames, as measured."},
    "code": {"description": "Stable, for programs."},
    "created_at": {"format": "date-time"},
    "created_date": {"description": "`created_at` as Unix seconds."},
    "days": {"description": "The last 31, newest first."},
    "delay_s": {"description": "How long it waited for a worker, as RunPod measured."},
    "details": {"description": "Facts for programs, such as the `field` that is wrong."},
    "expires_at": {
        "format": "date-time",
        "description": "When it is gone: a job some days after its end, null until then.",
    },
    "execution_s": {"description": "How long the worker took, as RunPod measured."},
    "file_id": {"description": "The same as `generation_id`."},
    "file_path": {"description": "The same as `audio.path`."},
    "file_size": {"description": "The same as `audio.size_bytes`."},
    "firebase_url": {
        "format": "uri",
        "description": "Where the audio plays; whoever holds this address can play it.",
    },
    "generation_time": {"description": "Seconds that the worker took."},
    "generation_time_s": {"description": "Seconds that the worker took."},
    "mismatches": {"description": "Declared fields that the audio contradicts. The audio wins."},
    "next_start": {"description": "The line to go on with (`start`); null when it is done."},
    "next_token": {
        "description": "Send it as `token` to go on with this archive; null when it is done."
    },
    "next_page_token": {"description": "Send it as `page_token`; null on the last page."},
    "peaks": {
        "maxItems": MAX_PEAKS,
        "description": "The waveform: the largest magnitude of each slice of equal length.",
    },
    "done": {"description": "Whether the archive's last line was reached."},
    "months": {"description": "The last 12, newest first."},
    "pickled": {"description": "Whether the array is a pickle, which runs code where loaded."},
    "profile_base64": {"contentEncoding": "base64", "description": "The `.npy` file."},
    "profile_file": {"description": "The same as `profile.path`."},
    "quality": {"description": "Measured on the sample."},
    "reasons": {"description": "What lowered the grade, and what to do about it."},
    "restorable_until": {
        "format": "date-time",
        "description": "Until then it can be restored; null where it cannot.",
    },
    "request_id": {"description": "The same as the X-Request-Id header. Quote it in reports."},
    "replayed": {"description": "Whether an earlier request had started it."},
    "reserved": {"description": "What is being saved at this moment."},
    "sample_file": {"description": "The same as `sample.path`."},
    "saved_files": {"description": "Paths of the stored objects."},
    "warnings": {"description": "Side notes that were not kept as they were sent, and why."},
    "retry_of": {"description": "The failed job whose result this one saves."},
    "saved_as": {"description": "The id in this library; null when it failed."},
    "sha256": {"pattern": "^[0-9a-f]{64}$"},
    "text_input": {"description": "The same as `text`."},
    "timestamp": {"description": "As the worker gave it: YYYYMMDD_HHMMSS."},
    "updated_at": {"format": "date-time"},
    "words_removed": {"description": "Whether its item was deleted for good, and its words too."},
    "url": {
        "format": "uri",
        "description": "A download address; whoever holds it can fetch the file.",
    },
}


def wire_types() -> dict[str, type]:
    """Return the objects of the API by name."""
    modules = [
        importlib.import_module(f"{http.__name__}.{module.name}")
        for module in pkgutil.iter_modules(http.__path__)
        if module.name.startswith("wire")
    ]
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if typing.is_typeddict(value) and value.__module__ == module.__name__
    }


def reference(wire_type: type) -> Schema:
    """Return the reference to the schema of a wire type."""
    return {"$ref": _REF.format(name=wire_type.__name__)}


def wire_schemas(answers: Iterable[type]) -> dict[str, Schema]:
    """Return the schemas of these types and of all that they are made of, by name."""
    _, components = msgspec.json.schema_components(answers, ref_template=_REF)
    types = wire_types()
    schemas = {name: _finished(types[name], components[name]) for name in sorted(components)}
    codes = sorted(error.code for error in all_errors())
    schemas[wire.ErrorBody.__name__]["properties"]["code"]["enum"] = codes
    return schemas


def _finished(wire_type: type, schema: Schema) -> Schema:
    """Return msgspec's schema with its fields in the order of the code, and with their notes."""
    fields = [name for name in wire_type.__annotations__ if name in schema["properties"]]
    return {
        "type": "object",
        "description": inspect.cleandoc(schema["description"]),
        "properties": {
            name: _compact(schema["properties"][name]) | FIELD_NOTES.get(name, {})
            for name in fields
        },
        "required": [name for name in fields if name in schema["required"]],
    }


def _compact(schema: Schema) -> Schema:
    """Write a choice between plain types as one list of types, as JSON Schema allows."""
    choices = schema.get("anyOf", ())
    if choices and all(choice.keys() == {"type"} for choice in choices):
        return {"type": [choice["type"] for choice in choices]}
    return {
        key: _compact(value)
        if isinstance(value, dict)
        else [_compact(item) for item in value]
        if key == "anyOf"
        else value
        for key, value in schema.items()
    }
