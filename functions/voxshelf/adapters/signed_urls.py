"""Addresses of objects by V4 signature: they end by themselves, and nothing secret is stored.

A signature costs a call to Google (there is no key file), so URLs are kept and handed out again.
Time is cut into windows of half an hour. A URL is signed as of the beginning of its window and
ends an hour after that, so whoever gets it can use it for between 30 and 60 minutes. It also means
that every instance signs the same URL for an object in a window, and a browser that played the
object finds it in its cache.
Reference: https://cloud.google.com/storage/docs/authentication/canonical-requests
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Protocol
from urllib.parse import quote, urlsplit

from google.auth.exceptions import GoogleAuthError

from voxshelf.core.errors import Unavailable

WINDOW = timedelta(minutes=30)
VALID_FOR = timedelta(hours=1)
# A URL is about 800 bytes: at most 8 MB. Users of one instance see fewer objects in a window.
KEPT_URLS = 10_000
# A page of 100 voices has 200 objects, each a call of some 50 ms to Google.
_AT_ONCE = 16
_ALGORITHM = "GOOG4-RSA-SHA256"


class Signer(Protocol):
    """Signs in the name of a service account that may read the objects."""

    @property
    def email(self) -> str:
        """Return the service account's address."""

    def sign(self, message: bytes) -> bytes:
        """Return the RSA signature (PKCS #1 v1.5, SHA-256); raise `GoogleAuthError`."""


class SignedUrls:
    """Plays `ObjectUrls`. Threads may share it."""

    def __init__(
        self,
        base_url: str,
        bucket_name: str,
        signer: Signer,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        kept_urls: int = KEPT_URLS,
    ) -> None:
        """Build addresses of `bucket_name` at Cloud Storage's `base_url` (no slash at the end)."""
        self._base_url = base_url
        self._bucket_name = bucket_name
        self._signer = signer
        self._clock = clock
        self._kept_urls = kept_urls
        self._lock = threading.Lock()
        self._window = datetime.min.replace(tzinfo=UTC)
        self._urls: dict[str, str] = {}
        self._beside = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="sign")

    def url(self, path: str, token: str) -> str:  # noqa: ARG002 - see `ObjectUrls`
        """Return the address of an object, valid for at least half an hour from now.

        Raises:
            Unavailable: when no signature could be had.
        """
        window, found = self._kept(path)
        if found is not None:
            return found
        # Two threads may both sign here. The result is the same, and no thread waits with the
        # lock in its hand for Google's answer.
        try:
            url = self._signed(path, window)
        except GoogleAuthError as error:
            raise Unavailable("Addresses of files cannot be signed now. Try again.") from error
        self._keep(path, window, url)
        return url

    def prepare(self, paths: Iterable[str]) -> None:
        """Sign side by side what `url` is going to be asked for; see `ObjectUrls`."""
        missing = {path for path in paths if self._kept(path)[1] is None}
        # One after another they would take `len(missing)` times as long.
        for _ in self._beside.map(lambda path: self.url(path, ""), missing):
            pass

    def _kept(self, path: str) -> tuple[datetime, str | None]:
        now = self._clock()
        with self._lock:
            if not self._window <= now < self._window + WINDOW:
                self._window = now - (now - datetime.min.replace(tzinfo=UTC)) % WINDOW
                self._urls.clear()
            return self._window, self._urls.get(path)

    def _keep(self, path: str, window: datetime, url: str) -> None:
        with self._lock:
            # The window may have ended while Google signed.
            if window != self._window:
                return
            if len(self._urls) >= self._kept_urls:
                # The first one in: dictionaries keep that order.
                del self._urls[next(iter(self._urls))]
            self._urls[path] = url

    def _signed(self, path: str, at: datetime) -> str:
        time = at.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{time[:8]}/auto/storage/goog4_request"
        resource = f"/{self._bucket_name}/{quote(path, safe='/~')}"
        query = _query(f"{self._signer.email}/{scope}", time)
        host = urlsplit(self._base_url).netloc
        # Method, resource, query, the signed headers each with its line end, their names, and
        # that the body, of which there is none, is not part of it.
        request = f"GET\n{resource}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = sha256(request.encode()).hexdigest()
        signature = self._signer.sign(f"{_ALGORITHM}\n{time}\n{scope}\n{digest}".encode())
        return f"{self._base_url}{resource}?{query}&X-Goog-Signature={signature.hex()}"


def _query(credential: str, time: str) -> str:
    """Return the query to be signed: its names are in alphabetical order, as they must be."""
    return (
        f"X-Goog-Algorithm={_ALGORITHM}&X-Goog-Credential={quote(credential, safe='~')}"
        f"&X-Goog-Date={time}&X-Goog-Expires={int(VALID_FOR.total_seconds())}"
        "&X-Goog-SignedHeaders=host"
    )
