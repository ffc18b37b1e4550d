"""Audio that a worker left at an address of its own, fetched without being led astray.

A worker's answer is a stranger's text, and an address in it could point into our own network
(hardening, section 4). So: https only, hosts of a list only, no redirects, and the connection
goes to the very address that was checked, whatever the name means a moment later.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import BinaryIO

import httpx

from voxshelf.core.errors import RunpodFailed, Unavailable

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
# For the whole file: a server that sends a byte a second would otherwise hold a request, and
# Firebase Hosting ends it after 60 s, saving included. 24 MiB come in this time at 1 MiB/s.
_DEADLINE_S = 25.0
_PORT = 443

Resolve = Callable[[str], Iterable[str]]


def _addresses_of(host: str) -> Iterable[str]:
    found = socket.getaddrinfo(host, _PORT, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.is_site_local:
            return False
        # An IPv4 address within, by whichever way, is where it would lead to.
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class PublicAudioFetcher:
    """Plays `AudioFetcher`."""

    def __init__(
        self,
        hosts: frozenset[str],
        *,
        resolve: Resolve = _addresses_of,
        is_allowed: Callable[[str], bool] = _is_public,
        verify: ssl.SSLContext | None = None,
        port: int = _PORT,
        deadline_s: float = _DEADLINE_S,
    ) -> None:
        """Fetch from `hosts` only; the other arguments are the network, for tests."""
        self._hosts, self._resolve, self._is_allowed = hosts, resolve, is_allowed
        self._verify, self._port = verify or ssl.create_default_context(), port
        self._deadline_s = deadline_s

    def __call__(self, url: str, into: BinaryIO, max_bytes: int) -> None:
        """See `AudioFetcher`."""
        target = self._checked(url)
        address = self._address_of(target.host)
        request = target.copy_with(host=address, port=self._port)
        try:
            with (
                httpx.Client(verify=self._verify, timeout=_TIMEOUT, trust_env=False) as client,
                client.stream(
                    "GET",
                    request,
                    headers={"Host": target.host, "Accept-Encoding": "identity"},
                    extensions={"sni_hostname": target.host},
                    follow_redirects=False,
                ) as answer,
            ):
                _copy(answer, into, max_bytes, self._deadline_s)
        except httpx.HTTPError as error:
            raise _unavailable() from error

    def _checked(self, url: str) -> httpx.URL:
        try:
            target = httpx.URL(url)
        except (httpx.InvalidURL, ValueError, TypeError):
            raise _refused() from None
        if (
            target.scheme != "https"
            or target.host.lower() not in self._hosts
            or target.port not in {None, _PORT}
            or target.userinfo
        ):
            raise _refused()
        return target

    def _address_of(self, host: str) -> str:
        try:
            addresses = list(self._resolve(host))
        except (OSError, UnicodeError) as error:
            raise _unavailable() from error
        # One private address among public ones is a trick, not a coincidence.
        if not addresses or not all(self._is_allowed(address) for address in addresses):
            raise _refused()
        return addresses[0]


def _copy(answer: httpx.Response, into: BinaryIO, max_bytes: int, deadline_s: float) -> None:
    if answer.status_code == 429 or answer.status_code >= 500:
        raise _unavailable()
    if answer.status_code != 200:
        raise RunpodFailed(f"The worker's audio is not there ({answer.status_code}).")
    size, ends_at = int(answer.headers.get("Content-Length", 0)), time.monotonic() + deadline_s
    if size > max_bytes:
        raise _too_large(max_bytes)
    size = 0
    for block in answer.iter_raw():
        size += len(block)
        if size > max_bytes:
            raise _too_large(max_bytes)
        if time.monotonic() > ends_at:
            raise Unavailable("The worker's audio came too slowly. Try again.")
        into.write(block)


def _too_large(max_bytes: int) -> RunpodFailed:
    return RunpodFailed(f"The worker's audio is larger than {max_bytes} bytes.")


def _unavailable() -> Unavailable:
    return Unavailable("The worker's audio could not be fetched. Try again.")


def _refused() -> RunpodFailed:
    return RunpodFailed("The worker's audio lies at an address that is not allowed (AUDIO_HOSTS).")
