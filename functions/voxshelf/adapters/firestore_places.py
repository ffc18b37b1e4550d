"""Where things lie in Firestore, and how a document is written only if nobody else did."""

from datetime import datetime
from typing import Any

from google.api_core import exceptions
from google.api_core import retry as retries
from google.cloud import firestore
from google.cloud.firestore_v1.base_document import DocumentSnapshot

from voxshelf.adapters import documents
from voxshelf.use_cases.ports import Kind

Snapshot = DocumentSnapshot[Any]

# Of every call, its repetitions included: the client library's own go on for 60 s and more.
_TIMEOUT_S = 10.0
BOUNDED: dict[str, Any] = {
    "timeout": _TIMEOUT_S,
    "retry": retries.Retry(
        predicate=retries.if_exception_type(
            exceptions.ServiceUnavailable, exceptions.ResourceExhausted
        ),
        initial=0.1,
        maximum=2.0,
        timeout=_TIMEOUT_S,
    ),
}


class Places:
    """References to documents, and conditional writes to them."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self.client = client

    def now(self) -> datetime:
        """Return the database's time, by which leases run and jobs are due: any read tells it."""
        time: datetime = self.account("-").get(**BOUNDED).read_time
        return time

    def account(self, uid: str) -> firestore.DocumentReference:
        """Return the user's own document."""
        return self._document("users", uid)

    def item(self, uid: str, kind: Kind, item_id: str) -> firestore.DocumentReference:
        """Return a voice's or generation's document."""
        return self._document("users", uid, kind, item_id)

    def request(self, uid: str, key: str | None) -> firestore.DocumentReference | None:
        """Return an idempotency record's document, if there is a key."""
        return None if key is None else self._document("users", uid, "requests", key)

    def usage(self, uid: str, month: str) -> firestore.DocumentReference:
        """Return the document of what was saved in a month, such as `2026-11`."""
        return self._document("users", uid, "usage", month)

    def _document(self, *path: str) -> firestore.DocumentReference:
        reference: firestore.DocumentReference = self.client.document(*path)
        return reference

    def put(
        self,
        batch: firestore.WriteBatch,
        reference: firestore.DocumentReference,
        seen: Snapshot | None,
        fields: documents.Fields,
        *,
        only_new: documents.Fields | None = None,
    ) -> None:
        """Write fields on condition that the document is as it was seen, or still missing."""
        if seen is None or not seen.exists:
            batch.create(reference, {**fields, **(only_new or {})})
        else:
            batch.update(reference, fields, option=self.unchanged(seen.update_time))

    def unchanged(self, update_time: datetime) -> Any:
        """Return the condition that a document was last written at this time."""
        return self.client.write_option(last_update_time=update_time)
