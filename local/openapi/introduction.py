"""What holds for every operation, for people."""

from local.openapi.errors import all_errors, explanation
from voxshelf.http.body import MAX_BODY_BYTES

_INTRODUCTION = """\
Voxshelf keeps a user's cloned voices and the speech generated with them.

**Identity.** Every request but the health check carries `Authorization: Bearer <Firebase ID
token>`. The owner of everything is the token's user: `uid` and `user_id` in a request are
ignored, and another user's id answers exactly as a missing one.

**Retries.** Every POST may carry `Idempotency-Key`. The same key with the same content gets the
first answer again, with `Idempotent-Replayed: true`; with other content it is 422, and while the
first request is running 409 `in_progress`. A request that failed frees its key, and so does a bulk
request of which anything failed. Keys are kept for two days, for each operation by itself; an item
or a job in an answer that is given again is shown as it is by then. Where `Retry-After` is given, a
retry after so many seconds helps.

**Bodies** are `multipart/form-data` with files, or `application/json` with base64, of at most
{max_body_mib} MiB. A larger file is uploaded straight into the store, to a place that `POST
/api/uploads` gives. A refusal that needs no body comes before it, and closes the connection. A body
that comes at less than 64 kbit/s ends with 408, and so may one at less than 512 kbit/s while two
more of the same user come as slowly. Times are RFC 3339 in UTC; durations end in `_s`, sizes in
`_bytes`, rates in `_hz`.

**Queries.** A field that an operation does not have, or that is sent twice with different values,
is refused: `details` names it as `field`, the one that was meant as `instead` where that is plain,
and all that there are as `known`. Flags are `true`, `1`, `yes` or `on`, and `false`, `0`, `no` or
`off`, in any case.

**Failures** all have one shape. `code` is stable and for programs, `message` is for people,
and `request_id` finds the request in the log:

{codes}
"""


def introduction() -> str:
    """Return the text above the operations, with every error code."""
    codes = "\n".join(f"- {error.status} {explanation(error)}" for error in all_errors())
    return _INTRODUCTION.format(max_body_mib=MAX_BODY_BYTES // 1024**2, codes=codes)
