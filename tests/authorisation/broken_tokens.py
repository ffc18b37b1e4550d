"""Every way in which a request can fail to say who it is from (hardening, section 4)."""

import hashlib
import hmac
import time
from collections.abc import Callable

from tests.authorisation.google import KEY_ID, PROJECT, Google, claims

Headers = list[tuple[str, str]]
Broken = Callable[[Google], Headers]

_RS256 = {"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}
_DAY_S = 86_400
_DEEP = b"[" * 5_000
_CUSTOM_TOKEN_AUDIENCE = (
    "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
)
_SERVICE_ACCOUNT = f"firebase-adminsdk@{PROJECT}.iam.gserviceaccount.com"


def bearer(token: str) -> Headers:
    return [("Authorization", f"Bearer {token}")]


def _claims(**changes: object) -> Broken:
    """Signed by the right key; one claim is wrong."""
    return lambda google: bearer(google.token(**changes))


def _later(name: str, seconds: int) -> Broken:
    return lambda google: bearer(google.token(**{name: int(time.time()) + seconds}))


def _header(**changes: object) -> Broken:
    """Signed by the right key; the header says something else."""
    header = {name: value for name, value in {**_RS256, **changes}.items() if value is not None}
    return lambda google: bearer(google.signed(header, claims()))


def _unsigned(**header: object) -> Broken:
    return lambda google: bearer(
        google.signed({"alg": "none", "typ": "JWT", **header}, claims(), lambda _: b"")
    )


def _hs256(secret: Callable[[Google], bytes]) -> Broken:
    """Signed with what everybody can read, in the hope that it is taken for a shared secret."""

    def headers(google: Google) -> Headers:
        def sign(message: bytes) -> bytes:
            return hmac.new(secret(google), message, hashlib.sha256).digest()

        return bearer(google.signed({**_RS256, "alg": "HS256"}, claims(), sign))

    return headers


def _by_other_key(**header: object) -> Broken:
    return lambda google: bearer(
        google.signed({**_RS256, **header}, claims(), google.other_key.sign)
    )


def _raw(header: object, payload: object) -> Broken:
    return lambda google: bearer(google.signed(header, payload))


def _with_claims_of_another(google: Google) -> Headers:
    header, _, signature = google.token("owner").split(".")
    _, payload, _ = google.token("stranger").split(".")
    return bearer(f"{header}.{payload}.{signature}")


BROKEN: dict[str, Broken] = {
    # The header.
    "none": lambda google: [],
    "empty header": lambda google: [("Authorization", "")],
    "scheme alone": lambda google: [("Authorization", "Bearer")],
    "empty token": lambda google: bearer(""),
    "two headers": lambda google: bearer(google.token()) + bearer(google.token("stranger")),
    "the same header twice": lambda google: bearer(google.token()) * 2,
    "a second header, empty": lambda google: [*bearer(google.token()), ("Authorization", "")],
    "two tokens and a comma": lambda google: bearer(f"{google.token()}, {google.token()}"),
    "two tokens and a space": lambda google: bearer(f"{google.token()} {google.token()}"),
    "two schemes": lambda google: bearer(f"Bearer {google.token()}"),
    "no scheme": lambda google: [("Authorization", google.token())],
    "Basic": lambda google: [("Authorization", "Basic b3duZXI6cGFzc3dvcmQ=")],
    "a token as Basic": lambda google: [("Authorization", f"Basic {google.token()}")],
    # A scheme may be written in any case (RFC 9110, section 11.1), but only once.
    "two schemes in other cases": lambda google: [
        ("Authorization", f"bearer BEARER {google.token()}")
    ],
    "a colon after the scheme": lambda google: [("Authorization", f"Bearer: {google.token()}")],
    "another header": lambda google: [("X-Authorization", f"Bearer {google.token()}")],
    # The one cookie that Firebase Hosting passes on.
    "a cookie": lambda google: [("Cookie", f"__session={google.token()}")],
    # The form.
    "not a token": lambda google: bearer("nonsense"),
    "not ASCII": lambda google: bearer("é.é.é"),
    "three parts of nonsense": lambda google: bearer("a.b.c"),
    "four parts": lambda google: bearer(f"{google.token()}.x"),
    "header is no JSON": _raw(b"{", claims()),
    "payload is no JSON": _raw(_RS256, b"\xff"),
    "header is a list": _raw([], claims()),
    "payload is a list": _raw(_RS256, []),
    "payload is nested 5,000 deep": _raw(_RS256, _DEEP),
    # The signature.
    "alg none": _unsigned(kid=KEY_ID),
    "alg None": _unsigned(alg="None", kid=KEY_ID),
    "token of an emulator": _unsigned(),
    "HS256 with the certificate": _hs256(lambda google: google.key.certificate),
    "HS256 with the public key": _hs256(lambda google: google.key.public_pem),
    "HS256 with nothing": _hs256(lambda google: b""),
    "another algorithm": _header(alg="RS512"),
    "no algorithm": _header(alg=None),
    "no key": _header(kid=None),
    "unknown key": _by_other_key(kid="key-9"),
    "unknown key, RS256 by a known one": _header(kid="key-9"),
    "known key, signed by another": _by_other_key(),
    "known key, signed by another known": _header(kid="key-2"),
    "key is a list": _header(kid=[KEY_ID]),
    "brings its own key": _by_other_key(jwk={"kty": "RSA", "e": "AQAB", "n": "AQAB"}),
    "no signature": lambda google: bearer(google.token().rpartition(".")[0] + "."),
    "signature cut": lambda google: bearer(google.token()[:-8]),
    "claims of another": _with_claims_of_another,
    # The claims, rightly signed.
    "another project": _claims(aud="voxshelf-other"),
    "several projects": _claims(aud=[PROJECT, "voxshelf-other"]),
    "no audience": _claims(aud=None),
    "another issuer": _claims(iss="https://securetoken.google.com/voxshelf-other"),
    "issuer Google accounts": _claims(iss="https://accounts.google.com"),
    "no issuer": _claims(iss=None),
    "expired a second ago": _later("exp", -1),
    "expired a day ago": _later("exp", -_DAY_S),
    "no expiry": _claims(exp=None),
    "expiry is a text": _claims(exp="tomorrow"),
    "issued in the future": _later("iat", 300),
    "no time of issue": _claims(iat=None),
    "time of issue is a text": _claims(iat="now"),
    "signed in in the future": _later("auth_time", 300),
    "no time of sign-in": _claims(auth_time=None),
    "time of sign-in is a text": _claims(auth_time="now"),
    "empty sub": _claims(sub=""),
    "no sub": _claims(sub=None),
    "sub of 129 characters": _claims(sub="x" * 129),
    "sub is a number": _claims(sub=7),
    "sub is a list": _claims(sub=["owner"]),
    "sub leads into another's folder": _claims(sub="owner/voices/x"),
    "sub is a parent folder": _claims(sub=".."),
    "sub is a name that Firestore keeps": _claims(sub="__owner__"),
    "sub holds a line break": _claims(sub="own\ner"),
    # Tokens of other kinds, rightly signed.
    "custom token": lambda google: bearer(
        google.token(
            aud=_CUSTOM_TOKEN_AUDIENCE, iss=_SERVICE_ACCOUNT, sub=_SERVICE_ACCOUNT, uid="owner"
        )
    ),
    "legacy custom token": _raw({"alg": "HS256"}, {"v": 0, "d": {"uid": "owner"}}),
    "legacy custom token of a number": _raw({"alg": "HS256"}, {"v": 0, "d": 7}),
    "session cookie": _claims(iss=f"https://session.firebase.google.com/{PROJECT}"),
    "App Check token": _claims(
        iss="https://firebaseappcheck.googleapis.com/1", aud=[f"projects/{PROJECT}"]
    ),
}

# Right in themselves: what is wrong is known to Firebase alone, and asked with CHECK_REVOKED.
REVOKED: dict[str, Broken] = {
    "signed out everywhere": lambda google: bearer(google.token("signed-out")),
    "user disabled": lambda google: bearer(google.token("disabled")),
    "user deleted": lambda google: bearer(google.token("deleted")),
}


def tell_of_the_revoked(google: Google) -> None:
    """Let Firebase know the users of `REVOKED`."""
    google.users["signed-out"] = {"validSince": str(int(time.time()))}
    google.users["disabled"] = {"disabled": True}
    google.users["deleted"] = None
