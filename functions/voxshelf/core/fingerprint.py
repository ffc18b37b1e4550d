"""The digest of what a save or a job asks for, by which a retry is told from another request."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from voxshelf.core.items import Scalar

Json = Scalar | Sequence["Json"] | Mapping[str, "Json"]


def fingerprint(content: Mapping[str, Json]) -> str:
    """Return the SHA-256 of JSON-like content, whatever the order of its keys.

    Anything else is a `TypeError`: the text that Python shows of a value tells in which order it
    was filled, and may change with the code.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
