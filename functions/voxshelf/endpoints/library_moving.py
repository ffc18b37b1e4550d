"""Moving house: `GET /api/library/export` and `POST /api/library/import`."""

import time

from voxshelf.http.boundary import Answer, Call, Route
from voxshelf.http.query_fields import refuse_unknown

# Firebase Hosting ends a request after 60 s. What is left is for the item that is being saved
# when this is over: hours of speech can take it.
_IMPORT_FOR_S = 40.0
_EXPORT_FIELDS = ("voice_ids", "generation_ids", "part_bytes", "page_token")


def _export(call: Call) -> Answer:
    from datetime import UTC, datetime

    from voxshelf.http.archive_lines import Describer
    from voxshelf.http.moving_requests import next_token, read_export
    from voxshelf.use_cases.export_library import archive_of, plan_part
    from voxshelf.use_cases.library_walk import Walk

    services = call.services
    refuse_unknown(call.request.args, _EXPORT_FIELDS)
    asked = read_export(call.request.args, services.page_token_key, call.uid)
    walk = Walk(call.uid, asked.selection, services.catalogue)
    describe = Describer(call.uid, services.catalogue)
    part = plan_part(walk, asked.number, asked.start, asked.part_bytes, describe)
    made_at = datetime.now(UTC)
    name = f"voxshelf-{made_at:%Y%m%d-%H%M%S}.zip"
    headers = {
        "Content-Type": "application/zip",
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Voxshelf-Part-Items": str(part.items),
    }
    if part.following is not None:
        token = next_token(asked.tokens, part.number + 1, part.following)
        headers["X-Next-Page-Token"] = token
    stream = archive_of(part, walk, services.objects, describe, made_at)
    return Answer({}, headers=headers, stream=stream)


def _import(call: Call) -> Answer:
    from voxshelf.http.archive_lines import read_item
    from voxshelf.http.moving_requests import read_import
    from voxshelf.http.present_moving import import_body
    from voxshelf.http.received import Spool
    from voxshelf.use_cases.archive_reader import open_archive
    from voxshelf.use_cases.import_library import ImportInto
    from voxshelf.use_cases.uploads import remove_uploads

    refuse_unknown(call.request.args, ("start",))
    services, ends_at = call.services, time.monotonic() + _IMPORT_FOR_S
    source, start = read_import(call.request, call.resources)
    archive = open_archive(source, call.uid, services.objects)
    services.prepare_audio()
    imported = ImportInto(
        uid=call.uid,
        catalogue=services.catalogue,
        library=services.library,
        objects=services.objects,
        inspect_audio=services.inspect_audio,
        policy=services.policy,
        sink=Spool,
    ).lines(
        archive,
        start,
        read_item=lambda line: read_item(call.uid, line),
        is_time_up=lambda: time.monotonic() > ends_at,
    )
    if imported.next_start is None:
        remove_uploads([source], services.objects)
    return Answer({**import_body(imported)})


ROUTES = (
    Route("GET", "/api/library/export", _export),
    Route("POST", "/api/library/import", _import),
)
