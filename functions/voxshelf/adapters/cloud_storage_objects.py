"""Objects in a Cloud Storage bucket."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from google.api_core import exceptions
from google.cloud.storage import Bucket
from requests.exceptions import RequestException

from voxshelf.core.content import NewObject
from voxshelf.core.errors import Unavailable

CACHE_CONTROL = "private, max-age=31536000, immutable"
TOKEN_METADATA = "firebaseStorageDownloadTokens"  # noqa: S105 - the name of the field
_TIMEOUT_S = 30.0


class CloudStorageObjects:
    """Plays `ObjectStore` in one bucket."""

    def __init__(self, bucket: Bucket) -> None:
        """Use `bucket`, whose client may be shared by threads."""
        self._bucket = bucket
        # A save has two objects at the most; the functions serve 16 requests at once.
        self._uploads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="upload")

    def create(self, objects: Sequence[NewObject]) -> None:
        """See `ObjectStore.create`: the first in this thread, the others beside it."""
        first, *others = objects
        beside = [self._uploads.submit(self._create, other) for other in others]
        try:
            self._create(first)
        finally:
            # All must have ended before the caller may undo or forget them.
            failures = [failure for upload in beside if (failure := upload.exception())]
        if failures:
            raise failures[0]

    def _create(self, new: NewObject) -> None:
        blob = self._bucket.blob(new.path)
        blob.cache_control = CACHE_CONTROL
        blob.content_disposition = new.disposition
        blob.metadata = {TOKEN_METADATA: new.token, "sha256": new.content.sha256}
        try:
            blob.upload_from_file(
                new.content.rewound(),
                size=new.content.size_bytes,
                content_type=new.content_type,
                if_generation_match=0,
                timeout=_TIMEOUT_S,
            )
        except exceptions.PreconditionFailed:
            self._check_same(new)
        except (exceptions.GoogleAPIError, RequestException) as error:
            raise Unavailable("The file store did not answer. Try again.") from error

    def _check_same(self, new: NewObject) -> None:
        """Accept an object that is there already if it is ours, written by a lost answer."""
        try:
            found = self._bucket.get_blob(new.path, timeout=_TIMEOUT_S)
        except (exceptions.GoogleAPIError, RequestException) as error:
            raise Unavailable("The file store did not answer. Try again.") from error
        metadata = (found.metadata or {}) if found is not None else {}
        if metadata.get("sha256") != new.content.sha256 or (
            metadata.get(TOKEN_METADATA) != new.token
        ):
            raise Unavailable("The file's name is taken by an earlier attempt. Try again.")

    def delete(self, paths: Iterable[str]) -> None:
        """See `ObjectStore.delete`."""
        for path in paths:
            try:
                self._bucket.blob(path).delete(timeout=_TIMEOUT_S)
            except exceptions.NotFound:
                continue
            except (exceptions.GoogleAPIError, RequestException) as error:
                raise Unavailable("The file store did not answer. Try again.") from error
