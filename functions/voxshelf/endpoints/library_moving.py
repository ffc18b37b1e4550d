"""Moving house: `GET /api/library/export` and `POST /api/library/import`."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from voxshelf.core.errors import Unavailable
from voxshelf.http.boundary import Answer, Call, Route
from voxshelf.http.query_fields import refuse_unknown

if TYPE_CHECKING:
    from voxshelf.use_cases.archived_items import Imported

# Firebase Hosting ends a request after 60 s. What is left is for the item that is being saved
# when this is over: hours of speech can take it.
_IMPORT_FOR_S = 20.0
# The item that is being saved then may take the rest of the function's time (functions.yaml).
_IMPORT_LEASE = timedelta(seconds=300)
_EXPORT_FIELDS = ("voice_ids", "generation_ids", "part_bytes", "page_token")


def _export(call: Call) -> Answer:
    from datetime import UTC, datetime

    from voxshelf.core.file_names import disposition
    from voxshelf.http.archive_lines import Describer
    from voxshelf.http.moving_requests import check_hosted, next_token, read_export
    from voxshelf.use_cases.export_library import archive_of, plan_part
    from voxshelf.use_cases.library_walk import Walk
    from voxshelf.use_cases.ranged_file import HELD_BYTES

    services = call.services
    refuse_unknown(call.request.args, _EXPORT_FIELDS)
    asked = read_export(call.request, services.page_token_key, call.uid)
    walk = Walk(call.uid, asked.selection, services.catalogue)
    describe = Describer(call.uid, services.catalogue)
    part = plan_part(walk, asked.number, asked.start, asked.part_bytes, describe)
    check_hosted(asked, part)
    # Until the last byte is sent.
    call.resources.take(HELD_BYTES + part.held_bytes)
    made_at = datetime.now(UTC)
    name = f"voxshelf-export-{made_at:%Y%m%d-%H%M%S}.zip"
    headers = {
        "Content-Type": "application/zip",
        "Content-Disposition": disposition("attachment", name),
        "X-Voxshelf-Part-Items": str(part.items),
    }
    if part.following is not None:
        token = next_token(asked.tokens, part.number + 1, part.following)
        headers["X-Next-Page-Token"] = token
    stream = archive_of(part, walk, services.objects, describe, made_at)
    return Answer({}, headers=headers, stream=stream)


def _import(call: Call) -> Answer:
    from voxshelf.http.archive_lines import read_item
    from voxshelf.http.import_requests import import_token, read_import
    from voxshelf.http.page_tokens import PageTokens
    from voxshelf.http.present_moving import import_body
    from voxshelf.http.received import brief_spool
    from voxshelf.use_cases.archive_reader import open_archive, take_over_archive
    from voxshelf.use_cases.import_library import ImportInto
    from voxshelf.use_cases.ranged_file import HELD_BYTES

    refuse_unknown(call.request.args, ("start", "token"))
    services, ends_at = call.services, time.monotonic() + _IMPORT_FOR_S
    asked, take = read_import(call.request, call.resources), call.resources.take
    take(HELD_BYTES)
    archive = open_archive(asked.source, call.uid, services.objects, take)
    tokens = PageTokens(services.page_token_key, call.uid, f"import {archive.archive_id}")
    start, was_clean = asked.progress(tokens)
    services.prepare_audio()
    imported = ImportInto(
        uid=call.uid,
        catalogue=services.catalogue,
        library=services.library,
        objects=services.objects,
        uploads=services.upload_slots,
        inspect_audio=services.inspect_audio,
        policy=services.policy,
        take=take,
        sink=lambda size_bytes: brief_spool(call.resources, size_bytes),
    ).lines(
        archive,
        start,
        read_item=lambda line: read_item(call.uid, line),
        is_time_up=lambda: time.monotonic() > ends_at,
    )
    is_clean = was_clean and imported.is_clean
    if is_clean and imported.next_start is None:
        take_over_archive(archive, asked.source, call.uid, services.objects, services.upload_slots)
    token = import_token(tokens, imported, is_clean=is_clean)
    return Answer({**import_body(imported, token)}, headers=_retry_after(imported))


def _retry_after(imported: "Imported") -> dict[str, str]:
    """Return when an import that was stopped may go on; where that is known.

    Raises:
        Unavailable: when it was stopped before it did anything.
    """
    error = imported.stopped_by
    if error is None or error.retry_after_s is None:
        return {}
    if isinstance(error, Unavailable) and len(imported.outcomes) == 1:
        raise error
    return {"Retry-After": str(error.retry_after_s)}


ROUTES = (
    Route("GET", "/api/library/export", _export),
    Route("POST", "/api/library/import", _import, lease=_IMPORT_LEASE),
)
