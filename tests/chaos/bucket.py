"""The bucket as the harness sees it: straight on the emulator, by the JSON API."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx

_TIMEOUT_S = 30.0


class Bucket:
    """Lists, reads, plants and removes objects. Threads may share it."""

    def __init__(self, host: str, name: str) -> None:
        """Use the Storage emulator at `host` (host:port)."""
        self._objects = f"http://{host}/storage/v1/b/{name}/o"
        self._media = f"http://{host}/download/storage/v1/b/{name}/o"
        self._uploads = f"http://{host}/upload/storage/v1/b/{name}/o"
        self._http = httpx.Client(timeout=_TIMEOUT_S, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def names(self, prefix: str = "") -> Iterator[str]:
        """Yield the path of every object under a prefix."""
        token = None
        while True:
            query = {"prefix": prefix} | ({"pageToken": token} if token else {})
            page = self._http.get(self._objects, params=query).raise_for_status().json()
            yield from (item["name"] for item in page.get("items", []))
            token = page.get("nextPageToken")
            if token is None:
                return

    def read(self, path: str) -> bytes | None:
        """Return an object's bytes, or None."""
        answer = self._http.get(f"{self._media}/{quote(path, safe='')}?alt=media")
        return None if answer.status_code == 404 else answer.raise_for_status().content

    def plant(self, path: str, content: bytes) -> None:
        """Write an object, over any other."""
        resource = json.dumps({"name": path, "contentType": "audio/wav"}).encode()
        body = (
            b"--b\r\nContent-Type: application/json\r\n\r\n" + resource
            + b"\r\n--b\r\nContent-Type: audio/wav\r\n\r\n" + content + b"\r\n--b--\r\n"
        )  # fmt: skip
        headers = {"Content-Type": "multipart/related; boundary=b"}
        url = f"{self._uploads}?uploadType=multipart"
        self._http.post(url, content=body, headers=headers).raise_for_status()

    def remove(self, path: str) -> None:
        """Remove an object; a missing one is success."""
        answer = self._http.delete(f"{self._objects}/{quote(path, safe='')}")
        if answer.status_code != 404:
            answer.raise_for_status()

    def clear(self) -> None:
        """Remove all objects."""
        for path in list(self.names()):
            self.remove(path)
