"""The two documents of a job, read in one go and written in one batch.

users/{uid}/jobs/{job_id} is what its owner's browser listens to. What nobody but the functions may
see lies beside it, in users/{uid}/job_secrets/{job_id}, which no rule names. Every change writes
the first on condition that it is as it was read, so that stands for both.
"""

from dataclasses import dataclass
from typing import Any, cast

from google.cloud import firestore

from voxshelf.adapters.documents import Document
from voxshelf.adapters.firestore_places import BOUNDED, Places, Snapshot
from voxshelf.adapters.job_documents import HIDDEN, hidden_of, shown_of
from voxshelf.core.jobs import Job

SHOWN, SECRET = "jobs", "job_secrets"


@dataclass(frozen=True, slots=True)
class Pair:
    """Both documents as they were read at one moment; either may be missing."""

    shown: Snapshot
    secret: Snapshot

    @property
    def document(self) -> Document | None:
        """Return both as one, or None where there is no job.

        Before there were two, the first held all.
        """
        shown = self.shown.to_dict()
        return None if shown is None else {**shown, **(self.secret.to_dict() or {})}


class JobPairs:
    """References to both documents of jobs, and what is done to both."""

    def __init__(self, places: Places) -> None:
        """Use `places`, which may be shared by threads."""
        self._places = places

    def shown(self, uid: str, job_id: str) -> firestore.DocumentReference:
        """Return the document that the owner sees."""
        return self._reference(uid, SHOWN, job_id)

    def secret(self, uid: str, job_id: str) -> firestore.DocumentReference:
        """Return the document that he does not see."""
        return self._reference(uid, SECRET, job_id)

    def _reference(self, uid: str, kind: str, job_id: str) -> firestore.DocumentReference:
        reference: Any = self._places.account(uid).collection(kind).document(job_id)
        return cast(firestore.DocumentReference, reference)

    def read(self, uid: str, job_id: str) -> Pair:
        """Read both documents of a job."""
        return self.read_beside(uid, job_id)[0]

    def read_beside(
        self, uid: str, job_id: str, *others: firestore.DocumentReference
    ) -> tuple[Pair, dict[str, Snapshot]]:
        """Read both documents of a job, and others at the same moment, by their paths."""
        shown, secret = self.shown(uid, job_id), self.secret(uid, job_id)
        found = self._places.client.get_all([shown, secret, *others], **BOUNDED)
        seen = {snapshot.reference.path: snapshot for snapshot in found}
        return Pair(seen.pop(shown.path), seen.pop(secret.path)), seen

    def beside(self, shown: list[Snapshot]) -> list[Pair]:
        """Read what belongs to documents that a query has found, in their order."""
        if not shown:
            return []
        references = [self.secret(_uid(one), one.id) for one in shown]
        found = self._places.client.get_all(references, **BOUNDED)
        seen = {snapshot.reference.path: snapshot for snapshot in found}
        return [Pair(one, seen[secret.path]) for one, secret in zip(shown, references, strict=True)]

    def put(self, batch: firestore.WriteBatch, uid: str, pair: Pair, job: Job) -> None:
        """Write both on condition that the first is as it was read, or still missing."""
        fields = shown_of(job)
        # Where one document held all, it does no more.
        fields |= dict.fromkeys(
            HIDDEN & (pair.shown.to_dict() or {}).keys(), firestore.DELETE_FIELD
        )
        self._places.put(batch, self.shown(uid, job.job_id), pair.shown, fields)
        secret = hidden_of(job)
        if pair.secret.to_dict() != secret:
            batch.set(self.secret(uid, job.job_id), secret)

    def delete(self, batch: firestore.WriteBatch, shown: Snapshot) -> None:
        """Delete both on condition that the first is as it was read."""
        batch.delete(shown.reference, option=self._places.unchanged(shown.update_time))
        batch.delete(self.secret(_uid(shown), shown.id))


def _uid(snapshot: Snapshot) -> str:
    return str(snapshot.reference.path.split("/")[1])
