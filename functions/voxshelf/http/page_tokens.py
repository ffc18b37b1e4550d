"""Page tokens: opaque, bound to the user and the query, and signed.

itsdangerous signs them: it is Flask's own dependency, made for just this.
"""

import hashlib

from itsdangerous import BadData, URLSafeSerializer

from voxshelf.core.errors import InvalidRequest
from voxshelf.core.query import Cursor


class PageTokens:
    """Makes and reads the tokens of one user's one query."""

    def __init__(self, key: str, uid: str, query: str) -> None:
        """Bind to `uid` and to `query`, a text that names the list, its order and filters."""
        bound = hashlib.sha256(f"{uid}\0{query}".encode()).hexdigest()
        self._serializer = URLSafeSerializer(
            key, salt=f"page:{bound}", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def make(self, cursor: Cursor) -> str:
        """Return the token of the page after `cursor`."""
        token = self._serializer.dumps([cursor.value, cursor.item_id, cursor.created_at])
        return token if isinstance(token, str) else token.decode()

    def read(self, token: str) -> Cursor:
        """Return the cursor of a token.

        Raises:
            InvalidRequest: when it was changed, or made for another user or query.
        """
        try:
            value, item_id, created_at = self._serializer.loads(token)
        except (BadData, ValueError):
            raise InvalidRequest(
                "page_token does not belong to this list. Start from the first page.",
                details={"field": "page_token"},
            ) from None
        return Cursor(value, item_id, created_at)
