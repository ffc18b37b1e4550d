"""Deleting, one item or many, withdrawing consent, and restoring."""

from typing import TYPE_CHECKING

from voxshelf.core.errors import NotFound
from voxshelf.core.names import is_valid_id
from voxshelf.http.boundary import Answer, Call, Route
from voxshelf.http.paths import known_id
from voxshelf.http.present import time_text

if TYPE_CHECKING:
    from typing import Literal

    from voxshelf.core.deletion import Manner
    from voxshelf.core.errors import VoxshelfError
    from voxshelf.http.body import Fields
    from voxshelf.http.selection import DeletionOptions
    from voxshelf.http.wire_deleting import (
        Deleted,
        DeletedItem,
        DeletedItems,
        ItemKind,
        RestoredItem,
        RestoredItems,
    )
    from voxshelf.use_cases import delete_item as deleting
    from voxshelf.use_cases import restore_items as restoring
    from voxshelf.use_cases.ports import Kind

_KINDS: "dict[Kind, ItemKind]" = {"voices": "voice", "generations": "generation"}
# The fields of a query; only a voice has generations.
_OPTIONS: "dict[Kind, tuple[str, ...]]" = {
    "voices": ("generations", "permanent"),
    "generations": ("permanent",),
}


def _delete_voice(call: Call, voice_id: str) -> Answer:
    return _delete(call, "voices", voice_id)


def _delete_generation(call: Call, generation_id: str) -> Answer:
    return _delete(call, "generations", generation_id)


def _delete(call: Call, kind: "Kind", item_id: str) -> Answer:
    from voxshelf.http.query_fields import refuse_unknown
    from voxshelf.http.selection import read_options
    from voxshelf.use_cases.delete_item import delete_item
    from voxshelf.use_cases.deletion_ports import ItemKey

    services = call.services
    refuse_unknown(call.request.args, _OPTIONS[kind])
    manner = _manner(call, read_options(call.request.args))
    key = ItemKey(kind, known_id(item_id))
    deleted = delete_item(call.uid, key, manner, library=services.library, objects=services.objects)
    until = deleted.restorable_until
    body: Deleted = {
        "status": "success",
        "message": "It is deleted." if until else "It is deleted for good.",
        "id": item_id,
        "restorable_until": None if until is None else time_text(until),
        "generations": deleted.generations,
    }
    return Answer({**body})


def _withdraw_consent(call: Call, voice_id: str) -> Answer:
    from voxshelf.use_cases.withdraw_consent import withdraw_consent

    services = call.services
    withdraw_consent(
        call.uid,
        known_id(voice_id),
        library=services.library,
        objects=services.objects,
        policy=services.policy,
    )
    body: Deleted = {
        "status": "success",
        "message": "The consent is withdrawn: sample and profile are deleted for good.",
        "id": voice_id,
        "restorable_until": None,
        "generations": 0,
    }
    return Answer({**body})


def _delete_many(call: Call) -> Answer:
    from voxshelf.http.selection import read_keys, read_options
    from voxshelf.use_cases.delete_item import Deleted, delete_items

    fields = _fields(call)
    keys, manner = read_keys(fields), _manner(call, read_options(fields.values))
    services = call.services
    possible = [key for key in keys if is_valid_id(key.item_id)]
    done = delete_items(
        call.uid, possible, manner, library=services.library, objects=services.objects
    )
    by_key = {one.key: one for one in done}
    results = [
        _deleted_item(by_key.get(key) or Deleted(key, error=_missing()))
        for key in dict.fromkeys(keys)
    ]
    body: DeletedItems = {
        "status": "success",
        "deleted": sum(one["code"] is None for one in results),
        "results": results,
    }
    return Answer({**body}, is_final=all(one["status"] != "failed" for one in results))


def _restore(call: Call) -> Answer:
    from voxshelf.http.selection import read_keys
    from voxshelf.use_cases.restore_items import Restored, restore_items

    keys = read_keys(_fields(call))
    services = call.services
    possible = [key for key in keys if is_valid_id(key.item_id)]
    done = restore_items(
        call.uid, possible, library=services.library, limits=services.policy.limits
    )
    by_key = {one.key: one for one in done}
    results = [
        _restored_item(by_key.get(key) or Restored(key, error=_missing()))
        for key in dict.fromkeys(keys)
    ]
    body: RestoredItems = {
        "status": "success",
        "restored": sum(one["code"] is None for one in results),
        "results": results,
    }
    return Answer({**body}, is_final=all(one["status"] != "failed" for one in results))


def _fields(call: Call) -> "Fields":
    from voxshelf.http.body import read_json
    from voxshelf.http.selection import MAX_SELECTION_BYTES

    return read_json(call.request, call.resources, max_bytes=MAX_SELECTION_BYTES)


def _manner(call: Call, options: "DeletionOptions") -> "Manner":
    from voxshelf.core.deletion import Manner

    return Manner(
        call.services.policy.undo_for,
        permanent=options.permanent,
        with_generations=options.with_generations,
    )


def _missing() -> NotFound:
    """Return why nothing happened to an id that cannot exist: as with one that does not."""
    return NotFound("There is no such item in your library.")


def _deleted_item(deleted: "deleting.Deleted") -> "DeletedItem":
    until = deleted.restorable_until
    return {
        "kind": _KINDS[deleted.key.kind],
        "id": deleted.key.item_id,
        "status": "deleted" if deleted.error is None else _failure(deleted.error),
        "code": None if deleted.error is None else deleted.error.code,
        "restorable_until": None if until is None else time_text(until),
        "generations": deleted.generations,
    }


def _restored_item(restored: "restoring.Restored") -> "RestoredItem":
    return {
        "kind": _KINDS[restored.key.kind],
        "id": restored.key.item_id,
        "status": "restored" if restored.error is None else _failure(restored.error),
        "code": None if restored.error is None else restored.error.code,
        "generations": restored.generations,
    }


def _failure(error: "VoxshelfError") -> "Literal['not_found', 'failed']":
    return "not_found" if isinstance(error, NotFound) else "failed"


ROUTES = (
    Route("DELETE", "/api/voices/<voice_id>", _delete_voice),
    Route("DELETE", "/api/voices/<voice_id>/consent", _withdraw_consent),
    Route("DELETE", "/api/tts/generations/<generation_id>", _delete_generation),
    Route("POST", "/api/library/delete", _delete_many),
    Route("POST", "/api/library/restore", _restore),
)
