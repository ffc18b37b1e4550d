"""Signatures in the name of the functions' own service account, without its key.

Google holds the key and signs for whoever has the role Service Account Token Creator on the
account: the account itself must be given that role on itself.
Reference: https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signBlob
"""

import threading
from functools import partial
from hashlib import sha256
from typing import Any

import google.auth
import requests
import requests.adapters
from google.auth.iam import Signer
from google.auth.transport.requests import Request

_SCOPE = "https://www.googleapis.com/auth/iam"
_TIMEOUT_S = 5.0
_CONNECTIONS = 16


class IamSigner:
    """Plays `Signer` by IAM's signBlob. Threads may share it."""

    def __init__(self, credentials: Any, request: Any) -> None:
        """Sign with google-auth `credentials` of a service account, calling by `request`."""
        self._credentials = credentials
        self._request = request
        self._lock = threading.Lock()
        self._signer: Signer | None = None

    @classmethod
    def of_this_process(cls) -> "IamSigner":
        """Return the signer for the service account that this process runs as."""
        credentials, _ = google.auth.default(scopes=[_SCOPE])
        session = requests.Session()
        session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS))
        # google-auth's own limit is two minutes.
        return cls(credentials, partial(Request(session), timeout=_TIMEOUT_S))

    @property
    def email(self) -> str:
        """See `Signer`."""
        self._ready()
        email: str = self._credentials.service_account_email
        return email

    def sign(self, message: bytes) -> bytes:
        """See `Signer`."""
        signature: bytes = self._ready().sign(message)
        return signature

    def _ready(self) -> Signer:
        with self._lock:
            if self._signer is None:
                # On Cloud Run the account is called "default" until the first token is there.
                self._credentials.refresh(self._request)
                email = self._credentials.service_account_email
                self._signer = Signer(  # type: ignore[no-untyped-call]
                    self._request, self._credentials, email
                )
            return self._signer


class EmulatedSigner:
    """Plays `Signer` for the Storage emulator, which checks no signature."""

    email = "emulator@voxshelf.invalid"

    def sign(self, message: bytes) -> bytes:
        """Return as many bytes as a signature has."""
        return sha256(message).digest() * 8
