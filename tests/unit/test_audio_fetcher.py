"""Audio from an address that a worker names: allowed hosts only, and never our own network."""

import ipaddress
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from voxshelf.adapters.audio_fetcher import PublicAudioFetcher
from voxshelf.core.errors import RunpodFailed, Unavailable

HOST = "files.example"
PUBLIC = "93.184.215.14"
AUDIO = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    """Return the contexts of a server that is files.example, and of a client that believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    encoding, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(
        key.private_bytes(encoding, private, serialization.NoEncryption())
        + certificate.public_bytes(encoding)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=file)


class Listener:
    """A server on loopback that counts who connects, and answers with `answer`."""

    def __init__(self, context):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._context = context
        self.port = self._socket.getsockname()[1]
        self.connections, self.names, self.requests = 0, [], []
        self.answer = whole
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        self._context.sni_callback = lambda _, name, __: self.names.append(name)
        while True:
            connection, _ = self._socket.accept()
            if self.port is None:
                connection.close()
                return
            self.connections += 1
            with connection:
                connection.settimeout(5)
                try:
                    with self._context.wrap_socket(connection, server_side=True) as secure:
                        self.requests.append(secure.recv(65536).decode())
                        self.answer(secure)
                except OSError:
                    """The client went away."""

    def close(self):
        port, self.port = self.port, None
        socket.create_connection(("127.0.0.1", port)).close()
        self._thread.join()
        self._socket.close()


@pytest.fixture
def listener(identity):
    listener = Listener(identity[0])
    yield listener
    listener.close()


def fetcher(listener, identity, *, resolve=lambda host: ["127.0.0.1"], hosts=(HOST,), **options):
    """Return a fetcher to which loopback is the only address that is public."""
    chosen = {"is_allowed": lambda address: address == "127.0.0.1", **options}
    return PublicAudioFetcher(
        frozenset(hosts), resolve=resolve, verify=identity[1], port=listener.port, **chosen
    )


def fetched(fetch, url=f"https://{HOST}/a.wav", max_bytes=100_000):
    into = BytesIO()
    fetch(url, into, max_bytes)
    return into.getvalue()


def whole(connection):
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(AUDIO)}\r\n\r\n"
    connection.sendall(head.encode() + AUDIO)


def until_the_end(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + AUDIO)
    connection.unwrap()


def short(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc")


def drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
    for _ in range(40):
        time.sleep(0.05)
        connection.sendall(b"x")


def answering(status, **headers):
    lines = [f"HTTP/1.1 {status} X", "Content-Length: 0"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    text = "\r\n".join([*lines, "", ""]).encode()
    return lambda connection: connection.sendall(text)


@pytest.mark.parametrize("answer", [whole, until_the_end])
def test_audio_is_fetched_over_tls_from_the_checked_address(listener, identity, answer):
    listener.answer = answer
    assert fetched(fetcher(listener, identity), f"https://{HOST}:443/a.wav?token=x") == AUDIO
    assert (listener.connections, listener.names) == (1, [HOST])
    [request] = listener.requests
    assert request.startswith("GET /a.wav?token=x HTTP/1.1\r\n")
    assert f"\r\nHost: {HOST}\r\n" in request
    assert "authorization" not in request.lower()


def test_a_host_is_the_same_in_capitals(listener, identity):
    assert fetched(fetcher(listener, identity), f"HTTPS://{HOST.upper()}/a.wav") == AUDIO


REFUSED = [
    f"http://{HOST}/a.wav",
    f"ftp://{HOST}/a.wav",
    f"file://{HOST}/etc/passwd",
    "file:///etc/passwd",
    "gopher://files.example/",
    "data:audio/wav;base64,AAAA",
    f"//{HOST}/a.wav",
    f"{HOST}/a.wav",
    "https:///a.wav",
    "https://",
    "",
    " ",
    "https://other.example/",
    f"https://evil{HOST}/",
    f"https://{HOST}.evil.example/",
    f"https://sub.{HOST}/",
    f"https://{HOST}./",
    f"https://{HOST}%2eevil.example/",
    f"https://evil.example/{HOST}",
    f"https://evil.example?{HOST}",
    f"https://evil.example#{HOST}",
    f"https://{HOST}@evil.example/",
    f"https://{HOST}:443@evil.example/",
    f"https://user@{HOST}/",
    f"https://user:password@{HOST}/",
    f"https://evil.example\\@{HOST}/",
    f"https://{HOST}\\@evil.example/",
    f"https://evil.example%00@{HOST}/",
    f"https://{HOST}%00.evil.example/",
    f"https://{HOST}\t.evil.example/",
    f"https://{HOST}\n/",
    f"https://{HOST}:80/",
    f"https://{HOST}:8443/",
    f"https://{HOST}:0/",
    f"https://{HOST}:65536/",
    f"https://{HOST}:-1/",
    "https://localhost/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://0/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://10.0.0.1/",
    "https://192.168.0.1/",
    "https://172.16.0.1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1%25lo]/",
    "https://[fd00::1]/",
    "https://①②⑦.⓪.⓪.①/",
    "https://files。example。evil.example/",
    f"https://{'x' * 70_000}/",
    None,
    7,
]


@pytest.mark.parametrize("url", REFUSED, ids=lambda url: repr(url)[:60])
def test_an_address_that_is_not_allowed_is_never_asked_for(listener, identity, url):
    asked = []
    fetch = fetcher(listener, identity, resolve=lambda host: asked.append(host) or ["127.0.0.1"])
    with pytest.raises(RunpodFailed, match="AUDIO_HOSTS"):
        fetched(fetch, url)
    assert (asked, listener.connections) == ([], 0)


NOT_PUBLIC = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2001:0:53aa:64c:0:0:5601:5601",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_name_of_an_address_that_is_not_public_is_refused(address):
    fetch = PublicAudioFetcher(frozenset({HOST}), resolve=lambda host: [address])
    with pytest.raises(RunpodFailed, match="AUDIO_HOSTS"):
        fetched(fetch)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], []], ids=str
)
def test_one_private_address_among_public_ones_is_one_too_many(listener, identity, addresses):
    with pytest.raises(RunpodFailed, match="AUDIO_HOSTS"):
        fetched(fetcher(listener, identity, resolve=lambda host: addresses))
    assert listener.connections == 0


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0x7f000001", "2130706433"])
def test_not_even_an_operators_mistake_opens_the_own_network(listener, identity, host):
    """The list names the machine itself; the system's own resolver answers."""
    fetch = PublicAudioFetcher(frozenset({host}), verify=identity[1], port=listener.port)
    with pytest.raises((RunpodFailed, Unavailable)):
        fetched(fetch, f"https://{host}/")
    assert listener.connections == 0


def test_a_name_that_means_something_else_a_moment_later_is_asked_once(listener, identity):
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    assert fetched(fetcher(listener, identity, resolve=lambda host: next(answers))) == AUDIO
    assert next(answers) == ["10.0.0.1"]
    assert listener.connections == 1


def test_an_address_of_six_is_asked_as_one(listener, identity):
    fetch = fetcher(
        listener, identity, resolve=lambda host: ["::1"], is_allowed=lambda address: True
    )
    # Nothing listens there: what matters is that it is the address, and no name, that is asked.
    with pytest.raises(Unavailable):
        fetched(fetch)


def test_another_servers_certificate_is_not_believed(listener, identity):
    with pytest.raises(Unavailable):
        fetched(fetcher(listener, identity, hosts=("other.example",)), "https://other.example/")
    assert listener.requests == []
    with pytest.raises(Unavailable):
        fetched(fetcher(listener, (None, ssl.create_default_context())))
    assert listener.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["http://127.0.0.1:{port}/", f"https://{HOST}/b.wav"])
def test_redirects_are_not_followed(listener, identity, status, location):
    listener.answer = answering(status, Location=location.format(port=listener.port))
    with pytest.raises(RunpodFailed, match="not there"):
        fetched(fetcher(listener, identity))
    assert listener.connections == 1


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_audio_that_is_not_there_is_a_failure(listener, identity, status):
    listener.answer = answering(status)
    with pytest.raises(RunpodFailed, match=str(status)):
        fetched(fetcher(listener, identity))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_in_trouble_may_be_asked_later(listener, identity, status):
    listener.answer = answering(status)
    with pytest.raises(Unavailable):
        fetched(fetcher(listener, identity))


@pytest.mark.parametrize("answer", [whole, until_the_end])
def test_more_than_the_limit_is_not_read(listener, identity, answer):
    listener.answer = answer
    into = BytesIO()
    with pytest.raises(RunpodFailed, match="larger"):
        fetcher(listener, identity)(f"https://{HOST}/a.wav", into, len(AUDIO) - 1)
    assert len(into.getvalue()) < len(AUDIO)
    assert fetched(fetcher(listener, identity), max_bytes=len(AUDIO)) == AUDIO


def test_an_answer_that_breaks_off_may_be_asked_for_later(listener, identity):
    listener.answer = short
    with pytest.raises(Unavailable):
        fetched(fetcher(listener, identity))


def test_a_slow_server_is_given_up(listener, identity):
    listener.answer = drip
    began = time.monotonic()
    with pytest.raises(Unavailable, match="slowly"):
        fetched(fetcher(listener, identity, deadline_s=0.3))
    assert time.monotonic() - began < 1.0


def test_a_name_that_nobody_knows_may_be_asked_later(listener, identity):
    def unknown(host):
        raise socket.gaierror

    with pytest.raises(Unavailable):
        fetched(fetcher(listener, identity, resolve=unknown))


def test_public_addresses_are_public():
    fetch = PublicAudioFetcher(frozenset({HOST}))
    for address in (PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"):
        assert ipaddress.ip_address(address).is_global
        assert fetch._is_allowed(address)
