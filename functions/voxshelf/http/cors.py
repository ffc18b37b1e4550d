"""Cross-origin answers, for the allowed origins only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

METHODS = "GET, POST, PATCH, DELETE"
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, X-Firebase-AppCheck"
EXPOSED_HEADERS = (
    "Allow, Content-Disposition, ETag, Idempotent-Replayed, Retry-After, WWW-Authenticate, "
    "X-Next-Page-Token, X-Request-Id, X-Voxshelf-Part-Items"
)
_PREFLIGHT_MAX_AGE_S = 3600
# As browsers write the origin of a page that this machine itself serves.
_LOCAL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Origins:
    """The web origins that browsers may call from.

    `local` adds every port of this machine: a frontend's development server has any. Deployed it
    must be false, as whatever runs on a visitor's machine would be allowed.
    """

    listed: frozenset[str]
    local: bool = False

    def __contains__(self, origin: str) -> bool:
        """Tell whether `origin` is allowed to the letter; `null` and suffix tricks never are."""
        return origin in self.listed or (self.local and _LOCAL.fullmatch(origin) is not None)


def cors_headers(origin: str | None, allowed: Origins, *, preflight: bool) -> Mapping[str, str]:
    """Return the headers for a request from `origin`.

    One that is not allowed gets no `Access-Control-Allow-Origin`, so its browser shows it
    nothing. Identity travels in the Authorization header, never in cookies, so credentials are
    not allowed.
    """
    if origin is None or origin not in allowed:
        return {"Vary": "Origin"}
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
        "Vary": "Origin",
    }
    if preflight:
        headers["Access-Control-Allow-Methods"] = METHODS
        headers["Access-Control-Allow-Headers"] = REQUEST_HEADERS
        headers["Access-Control-Max-Age"] = str(_PREFLIGHT_MAX_AGE_S)
    return headers
