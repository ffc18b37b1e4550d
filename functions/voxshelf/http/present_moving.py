"""The report of an import as the JSON object of the API."""

from voxshelf.core.errors import VoiceExists, VoxshelfError
from voxshelf.http.wire_moving import ImportAnswer, ImportResult
from voxshelf.use_cases.import_library import ArchivedVoice, Imported, Outcome

# What a save advises is not open to an import.
_VOICE_EXISTS = "A voice of this id, with other files, is in the library. It stays as it is."


def import_body(imported: Imported) -> ImportAnswer:
    """Present what became of an archive's lines."""
    statuses = [outcome.status for outcome in imported.outcomes]
    return {
        "status": "success",
        "results": [_result(outcome) for outcome in imported.outcomes],
        "imported": statuses.count("imported"),
        "already_there": statuses.count("already_there"),
        "failed": statuses.count("failed"),
        "done": imported.next_start is None,
        "next_start": imported.next_start,
    }


def _result(outcome: Outcome) -> ImportResult:
    item, error = outcome.item, outcome.error
    result: ImportResult = {
        "kind": None,
        "id": None,
        "status": outcome.status,
        "saved_as": outcome.saved_as,
        "code": None if error is None else error.code,
        "message": None if error is None else _message(error),
    }
    if item is not None:
        result["kind"] = "voice" if isinstance(item, ArchivedVoice) else "generation"
        result["id"] = item.item_id
    return result


def _message(error: VoxshelfError) -> str:
    return _VOICE_EXISTS if isinstance(error, VoiceExists) else error.message
