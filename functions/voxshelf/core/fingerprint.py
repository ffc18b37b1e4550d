"""The digest of what a save asks for, by which a retry is told from another save."""

import hashlib
import json
from collections.abc import Mapping


def fingerprint(content: Mapping[str, object]) -> str:
    """Return the SHA-256 of JSON-like content, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=list)
    return hashlib.sha256(text.encode()).hexdigest()
