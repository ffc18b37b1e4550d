"""Cross-origin answers, for the configured origins only."""

from collections.abc import Mapping

METHODS = "GET, POST, PATCH, DELETE"
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, X-Firebase-AppCheck"
EXPOSED_HEADERS = (
    "ETag, Idempotent-Replayed, Retry-After, X-Next-Page-Token, X-Request-Id, X-Voxshelf-Part-Items"
)
_PREFLIGHT_MAX_AGE_S = 3600


def cors_headers(
    origin: str | None, allowed: frozenset[str], *, preflight: bool
) -> Mapping[str, str]:
    """Return the headers for a request from `origin`.

    An origin that is not listed to the letter (`null` and suffix tricks included) gets no
    `Access-Control-Allow-Origin`, so its browser shows it nothing. Identity travels in the
    Authorization header, never in cookies, so credentials are not allowed.
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
