"""Libraries written straight into Firestore, as they are after their saves."""

from collections import Counter

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.use_cases.ports import kind_of

# The most that one batch takes.
BATCH = 500


def document(item):
    return {**documents.from_item(item), "status": documents.READY}


def filled(client, uid, items):
    user = client.collection("users").document(uid)
    for start in range(0, len(items), BATCH):
        batch = client.batch()
        for item in items[start : start + BATCH]:
            batch.set(user.collection(kind_of(item)).document(item.item_id), document(item))
        batch.commit()
    counted = Counter(map(kind_of, items))
    user.set({kind: firestore.Increment(number) for kind, number in counted.items()}, merge=True)
