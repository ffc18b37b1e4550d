"""Addresses of objects by download token."""

from collections.abc import Iterable
from urllib.parse import quote


class TokenUrls:
    """Firebase download URLs: they play anywhere, for whoever holds the object's token."""

    def __init__(self, base_url: str, bucket_name: str) -> None:
        """Build addresses of `bucket_name` at Firebase's, or the emulator's, `base_url`."""
        self._prefix = f"{base_url}/v0/b/{bucket_name}/o/"

    def url(self, path: str, token: str) -> str:
        """Return the address of an object; `path` becomes one escaped segment."""
        return f"{self._prefix}{quote(path, safe='')}?alt=media&token={quote(token, safe='')}"

    def prepare(self, paths: Iterable[str]) -> None:
        """See `ObjectUrls`: there is nothing to prepare."""
