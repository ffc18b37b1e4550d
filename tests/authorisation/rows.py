"""The rows of the matrix: for every route what its owner and a stranger get.

A route that is new needs its row, or `test_every_route_has_its_row_and_every_row_its_route`
fails. Mostly that is one line: the status for a stranger who sends the owner's ids, the status for
the owner (200 unless told), and the request's query or body.

    "PATCH /api/voices/<voice_id>": [Attempt(404, body={"favorite": True})],

Names in braces are the owner's things (`Things` in attempts.py); arguments of the path fill
themselves in. What `Things` lacks gets a field there, a line in `furnish` that makes one for the
owner, and a line in `nothing` for one that never was.

- An item of somebody else is missing: 404, and the test holds the whole answer against the one for
  an id that never was.
- A list of a stranger is his own: 200, with `shows` the fields that say that it is empty. The same
  for a bulk call: `shows` says `not_found` for each id.
- A route that takes a page token or the path of an upload has an attempt with the owner's.

The broken tokens are sent with the first attempt of a row, and need no rows of their own.
"""

from base64 import b64decode

from tests.authorisation.attempts import SAMPLE, SPEECH, Attempt

ITEM = [Attempt(404)]
# Answered whoever asks. A route that is public in the code and not here fails, and the reverse.
PUBLIC = {"GET /api/health", "POST /api/runpod/webhook/<job_id>/<secret>"}

# What a request says of its user is never believed.
_CLAIMED = {"uid": "{uid}", "user_id": "{uid}", "userId": "{uid}"}
_VOICE = {"voice_name": "Another", "audio_base64": SAMPLE}
# What a stranger has of his own, in the words of usage.
COMMON_VOICE = {"voices": 1, "generations": 0, "bytes": len(b64decode(SAMPLE)), "audio_s": 1.0}
_SELECTION = {"voice_ids": ["{voice_id}"], "generation_ids": ["{generation_id}"]}
_SPEECH = {"voice_id": "voice_common", "text": "Words."}

ROWS: dict[str, list[Attempt]] = {
    "GET /api/health": [Attempt(200)],
    "POST /api/voices/save": [
        Attempt(201, 201, body={**_VOICE, **_CLAIMED}),
        Attempt(201, 201, body={**_VOICE, "voice_id": "{voice_id}", "replace": True}),
        Attempt(404, 201, body={"voice_name": "Another", "audio_path": "{sample_upload}"}),
        Attempt(404, 201, body={**_VOICE, "profile_path": "{profile_upload}"}),
    ],
    "POST /api/tts/save": [
        Attempt(404, 201, body={"voice_id": "{voice_id}", "audio_base64": SPEECH, **_CLAIMED}),
        Attempt(201, 201, body={**_SPEECH, "audio_base64": SPEECH, **_CLAIMED}),
        Attempt(404, 201, body={**_SPEECH, "audio_path": "{speech_upload}"}),
    ],
    "GET /api/voices": [
        Attempt(200, query="uid={uid}&user_id={uid}", shows={"total_voices": 1}),
        Attempt(400, query="page_size=1&page_token={voices_page}"),
    ],
    "GET /api/voices/<voice_id>": ITEM,
    "PATCH /api/voices/<voice_id>": [Attempt(404, body={"name": "Taken over", **_CLAIMED})],
    "DELETE /api/voices/<voice_id>": [
        Attempt(404),
        Attempt(404, query="generations=delete&permanent=true&uid={uid}"),
    ],
    "DELETE /api/voices/<voice_id>/consent": ITEM,
    "POST /api/voices/<voice_id>/urls/renew": ITEM,
    "GET /api/voices/<voice_id>/sample": [Attempt(404, 302)],
    "GET /api/voices/<voice_id>/profile": [
        Attempt(404, 302),
        Attempt(404, query="format=json"),
        Attempt(404, query="format=file"),
    ],
    "GET /api/tts/generations": [
        Attempt(200, query="uid={uid}", shows={"generations": [], "total_generations": 0}),
        Attempt(200, query="voice_id={voice_id}", shows={"generations": []}),
        Attempt(400, query="page_size=1&page_token={generations_page}"),
    ],
    "GET /api/tts/generations/<generation_id>": ITEM,
    "PATCH /api/tts/generations/<generation_id>": [
        Attempt(404, body={"favorite": True, **_CLAIMED})
    ],
    "DELETE /api/tts/generations/<generation_id>": ITEM,
    "POST /api/tts/generations/<generation_id>/urls/renew": ITEM,
    "GET /api/tts/generations/<generation_id>/audio": [Attempt(404, 302)],
    "POST /api/library/delete": [
        Attempt(200, body={**_SELECTION, **_CLAIMED}, shows={"deleted": 0}),
        Attempt(200, body={**_SELECTION, "permanent": True}, shows={"deleted": 0}),
    ],
    "POST /api/library/restore": [
        Attempt(200, body={**_SELECTION, **_CLAIMED}, shows={"restored": 0}),
    ],
    "GET /api/library/export": [
        Attempt(404, query="voice_ids={voice_id}&uid={uid}&user_id={uid}"),
        Attempt(404, query="generation_ids={generation_id}"),
        Attempt(400, 400, query="page_token={voices_page}"),
    ],
    # What the owner uploaded there is no archive.
    "POST /api/library/import": [
        Attempt(404, 415, body={"archive_path": "{sample_upload}", **_CLAIMED}),
    ],
    "POST /api/voices/clone": [
        Attempt(202, 202, body={**_VOICE, "voice_name": "Cloned", **_CLAIMED}),
        Attempt(404, 202, body={"voice_name": "Cloned", "audio_path": "{sample_upload}"}),
    ],
    "POST /api/tts/generate": [
        Attempt(404, 202, body={"voice_id": "{voice_id}", "text": "Words.", **_CLAIMED}),
    ],
    "GET /api/jobs": [
        Attempt(200, query="uid={uid}&user_id={uid}", shows={"jobs": []}),
        Attempt(400, query="page_size=1&page_token={jobs_page}"),
    ],
    "DELETE /api/jobs": [
        Attempt(200, query="state=done,cancelled&uid={uid}&user_id={uid}", shows={"deleted": 0}),
    ],
    "GET /api/jobs/<job_id>": ITEM,
    "DELETE /api/jobs/<job_id>": ITEM,
    "POST /api/jobs/<job_id>/cancel": [Attempt(404, body=_CLAIMED)],
    # The owner's has not failed.
    "POST /api/jobs/<job_id>/retry": [Attempt(404, 400, body=_CLAIMED)],
    "POST /api/jobs/import": [
        Attempt(404, 202, body={"runpod_job_id": "{runpod_job_id}", "kind": "speech", **_CLAIMED}),
    ],
    "POST /api/runpod/webhook/<job_id>/<secret>": [
        Attempt(404, 404, body={"id": "{runpod_job_id}", "status": "COMPLETED", **_CLAIMED}),
    ],
    # A place of one's own, whosever id is sent along.
    "POST /api/uploads": [
        Attempt(201, 201, body={"size_bytes": 9, "content_type": "audio/wav", **_CLAIMED}),
    ],
    "DELETE /api/uploads/<upload_id>": ITEM,
    "GET /api/library/usage": [
        Attempt(200, query="uid={uid}&user_id={uid}", shows={"totals": COMMON_VOICE}),
    ],
}
