"""The few calls of Cloud Storage's JSON API that the library needs, over one session.

Why not google-cloud-storage: an upload of known size there is held in memory once or twice
(its multipart upload joins the body, its resumable one reads a chunk of 100 MB), and the Storage
emulator keeps only one chunk of a resumable upload in several. Here a body goes from its file
to the socket in small blocks, in one request, whatever its size. The session is google-auth's,
which signs requests and refreshes credentials.
Reference: https://cloud.google.com/storage/docs/json_api/v1/objects
"""

import base64
import io
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote

import google.auth
import google_crc32c
import requests
import requests.adapters
import urllib3
from google.api_core import retry as retries
from google.api_core.exceptions import RetryError
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_CONNECT_S, _READ_S = 5.0, 30.0
# Passing failures are tried again for this long; the caller's own client waits meanwhile.
_RETRY_FOR_S = 20.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_BLOCK_BYTES = 256 * 1024

# Requests that an instance serves at once, up to three uploads each.
_CONNECTIONS = 24


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
        super().init_poolmanager(*arguments, blocksize=_BLOCK_BYTES, **options)


class StorageUnavailable(Exception):
    """The store did not answer in time, or not with what it should."""


class ObjectExists(Exception):
    """There is an object of this name already."""


class ObjectMissing(Exception):
    """There is no object of this name."""


class _Passing(Exception):
    """A failure that may not be there on the next attempt."""


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
            related = _Related(resource, body, size_bytes, permitted)
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
                    _write_whole(answer, into)
                return answer

        answer = self._retried(attempt)
        if answer.status_code == 404:
            raise ObjectMissing(path)
        _expect(answer, 200)

    def delete(self, path: str) -> None:
        """Remove an object; a missing one is success."""
        answer = self._retried(lambda: self._call("DELETE", self._url(path)))
        if answer.status_code != 404:
            _expect(answer, 200, 204)

    def names(self, prefix: str, page_size: int = 1000) -> Iterator[tuple[str, str]]:
        """Yield name and creation time (RFC 3339) of every object under a prefix, by name.

        1,000 is the largest page that Cloud Storage gives.
        """
        token: str | None = None
        while True:
            query = {
                "prefix": prefix,
                "maxResults": str(page_size),
                "fields": "items(name,timeCreated),nextPageToken",
            }
            params = {**query, **({"pageToken": token} if token else {})}
            answer = self._retried(lambda p=params: self._call("GET", self._objects, params=p))
            _expect(answer, 200)
            page = answer.json()
            for item in page.get("items", []):
                yield item["name"], item["timeCreated"]
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
            raise _Passing from error
        if answer.status_code in _PASSING:
            answer.close()
            raise _Passing(answer.status_code)
        return answer

    def _retried(self, attempt: Any) -> requests.Response:
        again = retries.Retry(
            predicate=retries.if_exception_type(_Passing),
            initial=0.1,
            maximum=2.0,
            timeout=_RETRY_FOR_S,
        )
        try:
            answer: requests.Response = again(attempt)()
        except (_Passing, RetryError, GoogleAuthError) as error:
            raise StorageUnavailable from error
        return answer


def holds(found: Mapping[str, Any], crc32c: object, size_bytes: int) -> bool:
    """Tell whether an object's metadata, as the store computed it, is that of these bytes."""
    return (found.get("crc32c"), found.get("size")) == (crc32c, str(size_bytes))


def _write_whole(answer: requests.Response, into: BinaryIO) -> None:
    """Copy the body of an answer, and compare it with the checksum in its header.

    urllib3 compares the length: it raises when less comes than was declared.
    """
    checksum = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
    for block in _blocks(answer):
        into.write(block)
        checksum.update(block)  # type: ignore[no-untyped-call]
    arrived = base64.b64encode(checksum.digest()).decode()  # type: ignore[no-untyped-call]
    if _crc32c(answer.headers.get("X-Goog-Hash", "")) not in {None, arrived}:
        raise _Passing("what arrived is not what is stored")


def _blocks(answer: requests.Response) -> Iterator[bytes]:
    # Only the network's failures are translated, not those of the file that is written.
    try:
        yield from answer.raw.stream(_BLOCK_BYTES, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _Passing from error


def _crc32c(header: str) -> str | None:
    """Return the base64 checksum of a header such as `crc32c=n03x6A==,md5=Ojk9...`, if any."""
    hashes = (item.strip().partition("=") for item in header.split(","))
    return next((value for name, _, value in hashes if name == "crc32c"), None)


def _expect(answer: requests.Response, *statuses: int) -> None:
    if answer.status_code not in statuses:
        raise StorageUnavailable(answer.status_code)


class _Related:
    """A `multipart/related` body, read in blocks: metadata, then the bytes, then the end.

    Calls `permitted` before it gives the end away.
    """

    def __init__(
        self,
        resource: Mapping[str, object],
        body: BinaryIO,
        size_bytes: int,
        permitted: Callable[[], None],
    ) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/related; boundary={boundary}"
        head = (
            f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
            f"{json.dumps(resource)}\r\n"
            f"--{boundary}\r\nContent-Type: {resource['contentType']}\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        self._parts = [io.BytesIO(head), body, io.BytesIO(tail)]
        self._permitted = permitted
        self._length = len(head) + size_bytes + len(tail)

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, of one part at a time; empty at the end."""
        while self._parts:
            block = self._parts[0].read(size)
            if block:
                return block
            del self._parts[0]
            if len(self._parts) == 1:
                self._permitted()
        return b""
