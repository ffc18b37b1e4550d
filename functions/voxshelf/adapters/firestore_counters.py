"""Changes of a user's counters: increments, which never conflict with each other."""

from google.cloud import firestore

from voxshelf.adapters import documents
from voxshelf.core.account import Amount


def released(amount: Amount) -> documents.Fields:
    """Return the change that gives a reserved amount back."""
    return {
        "reserved.voices": firestore.Increment(-amount.voices),
        "reserved.generations": firestore.Increment(-amount.generations),
        "reserved.bytes": firestore.Increment(-amount.size_bytes),
        "reserved.audio_ms": firestore.Increment(-amount.audio_ms),
    }


def grown(amount: Amount) -> documents.Fields:
    """Return the change that adds an amount to what is kept."""
    return {
        "voices": firestore.Increment(amount.voices),
        "generations": firestore.Increment(amount.generations),
        "bytes": firestore.Increment(amount.size_bytes),
        "audio_ms": firestore.Increment(amount.audio_ms),
    }
