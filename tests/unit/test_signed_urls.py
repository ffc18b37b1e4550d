"""Signed URLs against the specification, and against Google's own library."""

import base64
import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from google.auth.exceptions import TransportError
from google.cloud.storage._signing import generate_signed_url_v4
from google.oauth2.service_account import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from voxshelf.adapters.iam_signer import IamSigner
from voxshelf.adapters.signed_urls import SignedUrls
from voxshelf.core.errors import Unavailable

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EMAIL = "voxshelf@shelf-1.iam.gserviceaccount.com"
BASE = "https://storage.googleapis.com"
BUCKET = "shelf-1.firebasestorage.app"
AT = datetime(2026, 3, 1, 12, 47, 11, 5, tzinfo=UTC)
PATHS = [
    "voice_samples/u1/voice_anna_sample_20260301_124711.wav",
    "voice_samples/u1/voice_ü_音声_sample.wav",
    "tts_generations/u1/TTS_voice_жанна.ogg",
    "uploads/u1/a b+c&d=e?f#g%20h~i'(j)*!$@:,;.wav",
    "uploads/u1/a//b/./c.wav",
]


class KeySigner:
    """Plays `Signer` with a key; counts, and can fail or wait."""

    email = EMAIL

    def __init__(self):
        self.signed = 0
        self.fails = False
        self.together = None
        self._lock = threading.Lock()

    def sign(self, message):
        if self.together is not None:
            self.together.wait(timeout=10)
        if self.fails:
            raise TransportError("no permission")
        with self._lock:
            self.signed += 1
        return KEY.sign(message, padding.PKCS1v15(), hashes.SHA256())


class Clock:
    def __init__(self, now=AT):
        self.now = now

    def __call__(self):
        return self.now


def made(**options):
    signer, clock = KeySigner(), Clock()
    return SignedUrls(BASE, BUCKET, signer, clock=clock, **options), signer, clock


def verified(url, at):
    """Check a URL as the specification has Cloud Storage do it; return the object's name.

    Written from https://cloud.google.com/storage/docs/authentication/signatures, not from the
    code under test. Raises `InvalidSignature`, or `AssertionError` when it is not valid at `at`.
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, strict_parsing=True))
    signature = bytes.fromhex(query.pop("X-Goog-Signature"))
    account, date, location, service, kind = query["X-Goog-Credential"].split("/")
    assert (account, location, service, kind) == (EMAIL, "auto", "storage", "goog4_request")
    signed_at = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert date == f"{signed_at:%Y%m%d}"
    assert 0 < int(query["X-Goog-Expires"]) <= 3600
    assert signed_at <= at < signed_at + timedelta(seconds=int(query["X-Goog-Expires"]))

    canonical_query = "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items())
    )
    canonical_path = quote(unquote(parts.path), safe="/~")
    headers = {"host": parts.netloc}
    names = query["X-Goog-SignedHeaders"].split(";")
    canonical_request = [
        "GET",
        canonical_path,
        canonical_query,
        *[f"{name}:{headers[name]}" for name in names],
        "",
        ";".join(names),
        "UNSIGNED-PAYLOAD",
    ]
    string_to_sign = [
        query["X-Goog-Algorithm"],
        query["X-Goog-Date"],
        f"{date}/{location}/{service}/{kind}",
        hashlib.sha256("\n".join(canonical_request).encode()).hexdigest(),
    ]
    assert string_to_sign[0] == "GOOG4-RSA-SHA256"
    message = "\n".join(string_to_sign).encode()
    KEY.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    bucket, _, name = unquote(parts.path).removeprefix("/").partition("/")
    assert bucket == BUCKET
    return name


def googles_own(path, signed_at):
    pem = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    info = {"client_email": EMAIL, "private_key": pem.decode(), "token_uri": "https://t.invalid"}
    return generate_signed_url_v4(
        Credentials.from_service_account_info(info),
        # As `Blob.generate_signed_url` has it.
        resource=f"/{BUCKET}/{quote(path.encode(), safe=b'/~')}",
        expiration=timedelta(hours=1),
        api_access_endpoint=BASE,
        _request_timestamp=f"{signed_at:%Y%m%dT%H%M%SZ}",
    )


@pytest.mark.parametrize("path", PATHS)
def test_the_signature_is_valid_by_the_specification(path):
    urls, _, _ = made()
    assert verified(urls.url(path, ""), AT) == path


@pytest.mark.parametrize("path", PATHS)
def test_the_url_is_that_of_googles_own_library(path):
    urls, _, _ = made()
    assert urls.url(path, "") == googles_own(path, AT.replace(minute=30, second=0))


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_any_name_is_signed_as_googles_own_library_signs_it(name):
    urls, _, _ = made()
    assert urls.url(name, "") == googles_own(name, AT.replace(minute=30, second=0))


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("voice_samples", "voice_sample5"),
        lambda url: url.replace("X-Goog-Expires=3600", "X-Goog-Expires=3599"),
        lambda url: url.replace(BASE, "https://storage.example.com"),
        lambda url: url[:-2] + ("00" if url[-2:] != "00" else "01"),
    ],
    ids=["object", "expiry", "host", "signature"],
)
def test_a_changed_url_is_not_valid(change):
    urls, _, _ = made()
    changed = change(urls.url(PATHS[0], ""))
    with pytest.raises(InvalidSignature):
        verified(changed, AT)


@settings(max_examples=50, deadline=None)
@given(st.integers(1_600_000_000, 4_000_000_000), st.integers(0, 999_999))
def test_a_url_is_valid_from_now_on_for_30_to_60_minutes(seconds, microseconds):
    urls, _, clock = made()
    clock.now = datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)
    url = urls.url(PATHS[0], "")
    verified(url, clock.now)
    verified(url, clock.now + timedelta(minutes=30) - timedelta(microseconds=1))
    with pytest.raises(AssertionError):
        verified(url, clock.now + timedelta(minutes=60, microseconds=1))


def test_a_url_is_signed_once_in_half_an_hour_and_then_anew():
    urls, signer, clock = made()
    first = urls.url(PATHS[0], "")
    clock.now = AT.replace(minute=59, second=59)
    assert urls.url(PATHS[0], "any") == first
    assert signer.signed == 1
    clock.now = AT.replace(hour=13, minute=0, second=0)
    assert urls.url(PATHS[0], "") != first
    assert signer.signed == 2
    # A clock that is set back must not hand out what is not valid yet.
    clock.now = AT
    assert urls.url(PATHS[0], "") == first


def test_every_instance_signs_the_same_url_so_that_browsers_can_keep_the_object():
    one, _, _ = made()
    other, _, clock = made()
    clock.now = AT + timedelta(minutes=5)
    assert one.url(PATHS[0], "") == other.url(PATHS[0], "")


def test_no_more_urls_are_kept_than_allowed():
    urls, signer, _ = made(kept_urls=3)
    for path in "abcd":
        urls.url(path, "")
    assert signer.signed == 4
    for path in "bcd":
        urls.url(path, "")
    assert signer.signed == 4
    urls.url("a", "")
    assert signer.signed == 5


def test_a_page_is_signed_side_by_side_and_each_object_once():
    urls, signer, _ = made()
    # Each signature waits until eight others are being made too.
    signer.together = threading.Barrier(8)
    paths = [f"voice_samples/u1/{number}.wav" for number in range(16)]
    urls.prepare([*paths, *paths])
    assert signer.signed == 16
    signer.together = None
    assert [verified(urls.url(path, ""), AT) for path in paths] == paths
    urls.prepare(paths)
    assert signer.signed == 16


def test_threads_share_it():
    urls, _, clock = made(kept_urls=5)

    def read(number):
        if number % 10 == 0:
            clock.now = AT + timedelta(minutes=30 * (number % 3))
        at = clock.now
        path = f"voice_samples/u1/{number % 8}.wav"
        return verified(urls.url(path, ""), at) == path

    with ThreadPoolExecutor(8) as threads:
        results = [
            done.exception() or done.result()
            for done in [threads.submit(read, number) for number in range(200)]
        ]
    # A clock that another thread moves in between may outrun a URL; a wrong name never comes.
    assert all(isinstance(result, AssertionError) or result is True for result in results)


def test_without_a_signature_the_store_is_unavailable_and_nothing_is_kept():
    urls, signer, _ = made()
    signer.fails = True
    with pytest.raises(Unavailable):
        urls.url(PATHS[0], "")
    with pytest.raises(Unavailable):
        urls.prepare(PATHS)
    signer.fails = False
    assert verified(urls.url(PATHS[0], ""), AT) == PATHS[0]


class RunCredentials:
    """As on Cloud Run: nameless until the first token is there, which then is refreshed in time."""

    universe_domain = "googleapis.com"
    service_account_email = "default"
    refreshed = 0

    def refresh(self, request):
        self.service_account_email = EMAIL
        self.refreshed += 1

    def before_request(self, request, method, url, headers):
        headers["authorization"] = "Bearer access"


class Iam:
    """IAM's signBlob as a google-auth transport."""

    def __init__(self, status=200):
        self.status = status
        self.calls = []
        self.data = b""

    def __call__(self, url, method, body, headers):
        self.calls.append((method, url, headers["authorization"]))
        message = base64.b64decode(json.loads(body)["payload"])
        signature = KEY.sign(message, padding.PKCS1v15(), hashes.SHA256())
        self.data = json.dumps({"signedBlob": base64.b64encode(signature).decode()}).encode()
        return self


def test_iam_signs_in_the_name_of_the_functions_own_account():
    iam, credentials = Iam(), RunCredentials()
    urls = SignedUrls(BASE, BUCKET, IamSigner(credentials, iam), clock=Clock())
    assert verified(urls.url(PATHS[1], ""), AT) == PATHS[1]
    urls.url(PATHS[2], "")
    sign_blob = (
        f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{EMAIL}:signBlob"
    )
    assert iam.calls == [("POST", sign_blob, "Bearer access")] * 2
    assert credentials.refreshed == 1


def test_an_account_that_may_not_sign_makes_urls_unavailable():
    urls = SignedUrls(BASE, BUCKET, IamSigner(RunCredentials(), Iam(403)), clock=Clock())
    with pytest.raises(Unavailable):
        urls.url(PATHS[0], "")
