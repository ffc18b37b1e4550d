"""Google's part of the sign-in: signs ID tokens with real RSA keys, and answers the Admin SDK.

The SDK verifies as on a deployment. Only its network ends here: whatever it sends is answered
with the certificates of these keys, or with what is known of a user.
"""

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import firebase_admin
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from firebase_admin import auth, credentials
from google.auth.credentials import AnonymousCredentials
from requests.adapters import BaseAdapter

PROJECT = "voxshelf-real"
CERTIFICATES = (
    "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
)
LOOKUP = f"https://identitytoolkit.googleapis.com/v1/projects/{PROJECT}/accounts:lookup"
KEY_ID = "key-1"


class Key:
    """An RSA key with a certificate that it signed itself, as Google publishes them."""

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "securetoken")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            name, name, self._private.public_key(), 1, now, now + timedelta(days=1)
        )
        certificate = builder.sign(self._private, SHA256())
        self.certificate = certificate.public_bytes(Encoding.PEM)
        public = self._private.public_key()
        self.public_pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, message: bytes) -> bytes:
        """Sign as RS256 does."""
        return self._private.sign(message, padding.PKCS1v15(), SHA256())


class Google(BaseAdapter):
    """Knows one published key and one that is not, and every user but those it is told of."""

    def __init__(self) -> None:
        super().__init__()
        self.key, self.other_key = Key(), Key()
        self.published = {KEY_ID: self.key, "key-2": Key()}
        self.users: dict[str, dict[str, object] | None] = {}
        self.asked: list[str] = []
        self.refused: set[str] = set()

    def app(self, name: str) -> firebase_admin.App:
        """Return an app of the Admin SDK that reaches nothing but this."""
        app = firebase_admin.initialize_app(_NoCredential(), {"projectId": PROJECT}, name)
        # The SDK has no setting for where certificates are from, which is as it should be.
        client = auth._get_client(app)
        for session in (
            client._token_verifier.request.session,
            client._user_manager.http_client.session,
        ):
            session.mount("https://", self)
        return app

    def send(self, request: requests.PreparedRequest, **_options: object) -> requests.Response:
        """Answer what the SDK asks; anything but its two questions fails."""
        self.asked.append(request.url)
        response = requests.Response()
        response.request, response.url = request, request.url
        response.status_code = 403 if request.url in self.refused else 200
        answer = {CERTIFICATES: self._certificates, LOOKUP: self._user}[request.url]
        response._content = json.dumps(answer(request)).encode()
        return response

    def close(self) -> None:
        """Hold nothing."""

    def _certificates(self, request: requests.PreparedRequest) -> object:
        return {kid: key.certificate.decode() for kid, key in self.published.items()}

    def _user(self, request: requests.PreparedRequest) -> object:
        (uid,) = json.loads(request.body)["localId"]
        known = self.users.get(uid, {})
        return {} if known is None else {"users": [{"localId": uid, **known}]}

    def token(self, uid: str = "owner", **changes: object) -> str:
        """Return a good ID token; `changes` replace claims, and None leaves one out."""
        return self.signed({"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}, claims(uid, **changes))

    def signed(self, header: object, payload: object, sign: Callable | None = None) -> str:
        """Return a token of any header and payload, signed with the published key or otherwise."""
        return compact(header, payload, sign or self.key.sign)


class _NoCredential(credentials.Base):
    def get_credential(self) -> AnonymousCredentials:
        return AnonymousCredentials()


def claims(uid: str = "owner", **changes: object) -> dict[str, object]:
    """Return the claims of an ID token as Firebase issues them."""
    now = int(time.time())
    good = {
        "iss": f"https://securetoken.google.com/{PROJECT}",
        "aud": PROJECT,
        "auth_time": now - 60,
        "user_id": uid,
        "sub": uid,
        "iat": now - 60,
        "exp": now + 3540,
        "email": "someone@voxshelf.example",
        "firebase": {"identities": {}, "sign_in_provider": "password"},
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def compact(header: object, payload: object, sign: Callable[[bytes], bytes]) -> str:
    """Return a JSON Web Token; parts that are bytes are taken as they are."""
    message = b".".join(_base64(_json(part)) for part in (header, payload))
    return b".".join([message, _base64(sign(message))]).decode()


def _json(part: object) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
