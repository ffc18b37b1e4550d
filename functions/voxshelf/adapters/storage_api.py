"""The few calls of Cloud Storage's JSON API that the library needs, over one session.

Why not google-cloud-storage: an upload of known size there is held in memory once or twice
(its multipart upload joins the body, its resumable one reads a chunk of 100 MB), and the Storage
emulator keeps only one chunk of a resumable upload in several. Here a body goes from its file
to the socket in small blocks, in one request, whatever its size. The session is google-auth's,
which signs requests and refreshes credentials.
Reference: https://cloud.google.com/storage/docs/json_api/v1/objects
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote

import google.auth
import requests
import requests.adapters
from google.api_core import retry as retries
from google.api_core.exceptions import RetryError
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession

from voxshelf.adapters.storage_bodies import (
    BLOCK_BYTES,
    Passing,
    Related,
    StorageUnavailable,
    exactly,
    write_whole,
)

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_CONNECT_S, _READ_S = 5.0, 30.0
# Passing failures are tried again for this long; the caller's own client waits meanwhile.
_RETRY_FOR_S = 20.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})

# Requests that an instance serves at once, up to three uploads each, and eight removals.
_CONNECTIONS = 32


def storage_session(*, emulated: bool) -> requests.Session:
    """Return a session that signs requests with this process's own credentials.

    The emulator takes anything, and there are no credentials on a developer's machine.
    """
    session: requests.Session
    if emulated:
        session = requests.Session()
        # A proxy of the environment must not get between two processes of one machine.
        session.trust_env = False
    else:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
        session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    adapter = _Adapter(pool_maxsize=_CONNECTIONS)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class _Adapter(requests.adapters.HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        # Bodies go out in blocks of 16 kB otherwise, each with its own turn of this process.
        super().init_poolmanager(*arguments, blocksize=BLOCK_BYTES, **options)


class ObjectExists(Exception):
    """There is an object of this name already."""


class ObjectMissing(Exception):
    """There is no object of this name."""


class StorageApi:
    """Objects of one bucket. Threads may share it."""

    def __init__(self, session: requests.Session, base_url: str, bucket_name: str) -> None:
        """Call `base_url` (no slash at the end) with `session`."""
        self._session = session
        self._objects = f"{base_url}/storage/v1/b/{bucket_name}/o"
        self._uploads = f"{base_url}/upload/storage/v1/b/{bucket_name}/o"

    def create(
        self,
        body: BinaryIO,
        size_bytes: int,
        resource: Mapping[str, object],
        permitted: Callable[[], None] = lambda: None,
    ) -> None:
        """Write an object that must not exist; `resource` is its metadata, `name` included.

        `permitted` is called when all but the end is sent, without which there is no object. It
        may wait; what it raises is raised here, and nothing is written then.

        Raises:
            ObjectExists: also when an earlier attempt of this very call wrote it.
            StorageUnavailable.
        """

        def attempt() -> requests.Response:
            body.seek(0)
            related = Related(resource, body, size_bytes, permitted)
            return self._call(
                "POST",
                self._uploads,
                params={"uploadType": "multipart", "ifGenerationMatch": "0"},
                data=related,
                headers={"Content-Type": related.content_type},
            )

        answer = self._retried(attempt)
        if answer.status_code == 412:
            raise ObjectExists(resource["name"])
        _expect(answer, 200)
        # Cloud Storage itself refuses an upload that is not what its metadata declares, and
        # answers with what it holds. The stand-ins of tests and emulators only do the latter.
        if not holds(answer.json(), resource["crc32c"], size_bytes):
            raise StorageUnavailable("what arrived is not what was sent")

    def resource(self, path: str) -> dict[str, Any] | None:
        """Return an object's metadata, or None."""
        answer = self._retried(lambda: self._call("GET", self._url(path)))
        if answer.status_code == 404:
            return None
        _expect(answer, 200)
        found: dict[str, Any] = answer.json()
        return found

    def download(self, path: str, into: BinaryIO) -> None:
        """Write an object's bytes, as they are stored, to where the seekable `into` stands.

        Raises:
            ObjectMissing.
            StorageUnavailable: also when the bytes are not all there, or are others.
        """
        start = into.tell()

        def attempt() -> requests.Response:
            into.seek(start)
            into.truncate()
            # By asking for gzip, an object that somebody stored with `Content-Encoding: gzip`
            # comes as it is. Otherwise it would be unpacked on the way, to any size.
            headers = {"Accept-Encoding": "gzip"}
            with self._call(
                "GET", self._url(path), params={"alt": "media"}, headers=headers, stream=True
            ) as answer:
                if answer.status_code == 200:
                    write_whole(answer, into)
                return answer

        answer = self._retried(attempt)
        if answer.status_code == 404:
            raise ObjectMissing(path)
        _expect(answer, 200)

    def read(self, path: str, start: int, length: int) -> bytes:
        """Return `length` bytes of an object, from `start` on.

        Raises:
            ObjectMissing.
            StorageUnavailable: also when the object has fewer.
        """
        if length == 0:
            return b""
        headers = {"Accept-Encoding": "gzip", "Range": f"bytes={start}-{start + length - 1}"}
        found = [b""]

        def attempt() -> requests.Response:
            with self._call(
                "GET", self._url(path), params={"alt": "media"}, headers=headers, stream=True
            ) as answer:
                if answer.status_code == 206:
                    found[0] = exactly(answer, length)
                return answer

        answer = self._retried(attempt)
        if answer.status_code == 404:
            raise ObjectMissing(path)
        _expect(answer, 206)
        return found[0]

    def delete(self, path: str, generation: str | None = None) -> None:
        """Remove an object, or only that generation of it; a missing one is success."""
        params = {} if generation is None else {"ifGenerationMatch": generation}
        answer = self._retried(lambda: self._call("DELETE", self._url(path), params=params))
        if answer.status_code != 404 and not (params and answer.status_code == 412):
            _expect(answer, 200, 204)

    def names(self, prefix: str, page_size: int = 1000) -> Iterator[dict[str, str]]:
        """Yield name, timeCreated (RFC 3339), size and generation of each object, by name.

        1,000 is the largest page that Cloud Storage gives.
        """
        token: str | None = None
        while True:
            query = {
                "prefix": prefix,
                "maxResults": str(page_size),
                "fields": "items(name,timeCreated,size,generation),nextPageToken",
            }
            params = {**query, **({"pageToken": token} if token else {})}
            answer = self._retried(lambda p=params: self._call("GET", self._objects, params=p))
            _expect(answer, 200)
            page = answer.json()
            yield from page.get("items", [])
            token = page.get("nextPageToken")
            if token is None:
                return

    def _url(self, path: str) -> str:
        return f"{self._objects}/{quote(path, safe='')}"

    def _call(self, method: str, url: str, **options: Any) -> requests.Response:
        try:
            answer = self._session.request(
                method, url, timeout=(_CONNECT_S, _READ_S), allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise Passing from error
        if answer.status_code in _PASSING:
            answer.close()
            raise Passing(answer.status_code)
        return answer

    def _retried(self, attempt: Any) -> requests.Response:
        again = retries.Retry(
            predicate=retries.if_exception_type(Passing),
            initial=0.1,
            maximum=2.0,
            timeout=_RETRY_FOR_S,
        )
        try:
            answer: requests.Response = again(attempt)()
        except (Passing, RetryError, GoogleAuthError) as error:
            raise StorageUnavailable from error
        return answer


def holds(found: Mapping[str, Any], crc32c: object, size_bytes: int) -> bool:
    """Tell whether an object's metadata, as the store computed it, is that of these bytes."""
    return (found.get("crc32c"), found.get("size")) == (crc32c, str(size_bytes))


def _expect(answer: requests.Response, *statuses: int) -> None:
    if answer.status_code not in statuses:
        raise StorageUnavailable(answer.status_code)
