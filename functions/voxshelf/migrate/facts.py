"""Facts of a `.json` file as fields of the two saves (the contract, sections 3 and 4).

What a person said is taken whole or not at all: a fact of the wrong type keeps its item from
being sent, because no later run could add it. What a machine measured is left out instead,
with a note. Limits are the service's to judge.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from voxshelf.core.names import VOICE_ID_PREFIX, Stamp, is_valid_id
from voxshelf.migrate.names import Named
from voxshelf.migrate.sidecar import Facts, SidecarUnreadable

_TIMESTAMP = re.compile(r"[0-9]{8}_[0-9]{6}")
# The fields of a form are texts; lists and objects are their JSON.
Fields = Mapping[str, str]


def voice_fields(facts: Facts, named: Named) -> Fields:
    """Return the fields of `POST /api/voices/save`, files apart.

    The save gives a voice the time of the save; when it was made stays as a parameter.

    Raises:
        SidecarUnreadable: naming the fact that cannot be used.
    """
    parameters = _parameters(facts)
    if (created_at := _created_at(facts, named.stamp)) is not None:
        parameters["original_created_at"] = created_at
    return _filled(
        {
            "voice_id": voice_id(facts) or VOICE_ID_PREFIX + named.voice,
            "voice_name": _text(facts, "voice_name", "name") or named.voice,
            "template_message": _text(facts, "template_message"),
            "language": _text(facts, "language"),
            "description": _text(facts, "description"),
            "tags": _tags(facts),
            "consent": _consent(facts),
            "parameters": _json(parameters),
            "runpod_job_id": _text(facts, "runpod_job_id"),
        }
    )


def speech_fields(facts: Facts, named: Named) -> tuple[Fields, tuple[str, ...]]:
    """Return the fields of `POST /api/tts/save`, voice and file apart, and what was left out.

    Raises:
        SidecarUnreadable: naming the fact that cannot be used.
    """
    measured = {
        "generation_time": _number(facts, "generation_time", "generation_time_s"),
        "sample_rate": _number(facts, "sample_rate"),
        "audio_shape": _shape(facts),
    }
    declared = [name for name in measured if facts.get(name) is not None]
    fields = _filled(
        {
            "text_input": _text(facts, "text_input", "text"),
            "language": _text(facts, "language"),
            "timestamp": _timestamp(facts, named.stamp),
            "tags": _tags(facts),
            "parameters": _json(_parameters(facts)),
            "runpod_job_id": _text(facts, "runpod_job_id"),
            **measured,
        }
    )
    left_out = (name for name in declared if name not in fields)
    return fields, tuple(
        f"{name} of its .json is no such value and is left out" for name in left_out
    )


def voice_id(facts: Facts) -> str | None:
    """Return the id that the facts name, where it is one."""
    named = facts.get("voice_id")
    return named if isinstance(named, str) and is_valid_id(named) else None


def _filled(fields: Mapping[str, str | None]) -> Fields:
    return {name: value for name, value in fields.items() if value}


def _first(facts: Facts, names: Iterable[str]) -> tuple[str, Any]:
    return next(((name, facts[name]) for name in names if facts.get(name) is not None), ("", None))


def _text(facts: Facts, *names: str) -> str | None:
    name, value = _first(facts, names)
    if value is not None and not isinstance(value, str):
        raise SidecarUnreadable(f"{name} of its .json is no text")
    return value


def _tags(facts: Facts) -> str | None:
    value = facts.get("tags")
    if isinstance(value, list) and all(isinstance(tag, str) for tag in value):
        return _json(value)
    return _text(facts, "tags")


def _object(facts: Facts, name: str) -> dict[str, Any]:
    value = facts.get(name) or {}
    if not isinstance(value, dict):
        raise SidecarUnreadable(f"{name} of its .json is no object")
    return value


def _parameters(facts: Facts) -> dict[str, Any]:
    """Return a flat object: what is nested becomes its JSON."""
    return {
        name: _json(value) if isinstance(value, dict | list) else value
        for name, value in _object(facts, "parameters").items()
    }


def _consent(facts: Facts) -> str | None:
    said = _object(facts, "consent")
    return _json({name: said[name] for name in ("statement", "granted_by") if name in said})


def _json(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False) if value else None


def _number(facts: Facts, *names: str) -> str | None:
    _, value = _first(facts, names)
    try:
        number = float(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None
    usable = number is not None and number >= 0 and not isinstance(value, bool)
    return json.dumps(number) if usable and number != float("inf") else None


def _shape(facts: Facts) -> str | None:
    value = facts.get("audio_shape")
    usable = isinstance(value, list) and all(type(size) is int and size >= 0 for size in value)
    return _json(value) if usable else None


def _timestamp(facts: Facts, stamp: Stamp | None) -> str | None:
    value = facts.get("timestamp")
    if isinstance(value, str) and _TIMESTAMP.fullmatch(value):
        return value
    return str(Stamp(stamp.second)) if stamp else None


def _created_at(facts: Facts, stamp: Stamp | None) -> str | None:
    """Return when the voice was made (RFC 3339 UTC): from the facts, else from the name."""
    _, value = _first(facts, ("created_at", "created_date", "timestamp"))
    made = _moment(value) or (stamp.second if stamp else None)
    return made.isoformat().replace("+00:00", "Z") if made else None


def _moment(value: Any) -> datetime | None:
    """Return the time of Unix seconds or of ISO 8601 text; without an offset it is UTC."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    if read is None:
        return None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
