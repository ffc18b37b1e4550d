"""The report of an import as the JSON object of the API."""

from voxshelf.http.wire_moving import ImportAnswer
from voxshelf.use_cases.archived_items import Imported


def import_body(imported: Imported, next_token: str | None) -> ImportAnswer:
    """Present what became of an archive's lines; `next_token` goes with `next_start`."""
    statuses = [outcome.status for outcome in imported.outcomes]
    return {
        "status": "success",
        "results": [
            {
                "kind": outcome.kind,
                "id": outcome.item_id,
                "status": outcome.status,
                "saved_as": outcome.saved_as,
                "code": outcome.code,
                "message": outcome.message,
            }
            for outcome in imported.outcomes
        ],
        "imported": statuses.count("imported"),
        "already_there": statuses.count("already_there"),
        "failed": statuses.count("failed"),
        "done": imported.next_start is None,
        "next_start": imported.next_start,
        "next_token": next_token,
    }
