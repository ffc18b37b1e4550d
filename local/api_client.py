"""A small client of the API, as an app's frontend would call it."""

import base64
from types import TracebackType
from typing import Any, Self

import httpx

# A worker of the Functions emulator that fails to start leaves its client waiting.
_TIMEOUT_S = 60.0


class ApiFailed(Exception):
    """An answer was not the expected one; the text names the request, the status and the body."""


class ApiClient:
    """Calls the API of one site as one user. Close it, or use it as a context manager."""

    def __init__(self, site_url: str, id_token: str) -> None:
        """Call `site_url` with the identity of `id_token`."""
        self._id_token = id_token
        self._http = httpx.Client(
            base_url=site_url,
            timeout=_TIMEOUT_S,
            headers={"Authorization": f"Bearer {id_token}"},
            # A proxy of the environment must not get between two processes of this machine.
            trust_env=False,
        )

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """Return the answer to a GET that must succeed."""
        return _body(self._http.get(path, params=query), 200)

    def post(self, path: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
        """Return the answer to a POST of JSON that must answer `status`."""
        return _body(self._http.post(path, json=body), status)

    def find(self, path: str, **query: str | int) -> dict[str, Any] | None:
        """Return the answer to a GET, or None where there is nothing (yet)."""
        answer = self._http.get(path, params=query)
        return None if answer.status_code == 404 else _body(answer, 200)

    def download(self, path: str, **query: str | int) -> bytes:
        """Return the bytes of a GET that must succeed."""
        answer = self._http.get(path, params=query)
        if answer.status_code != 200:
            raise _failed(answer)
        return answer.content

    def post_archive(self, path: str, archive: bytes) -> dict[str, Any]:
        """Return the answer to a POST of a ZIP that must succeed."""
        headers = {"Content-Type": "application/zip"}
        return _body(self._http.post(path, content=archive, headers=headers), 200)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a PATCH of JSON that must succeed."""
        return _body(self._http.patch(path, json=body), 200)

    def delete(self, path: str, **query: str) -> dict[str, Any]:
        """Return the answer to a DELETE that must succeed."""
        return _body(self._http.delete(path, params=query), 200)

    def upload(self, storage_url: str, audio: bytes) -> str:
        """Put a file straight into Storage, as the Firebase SDK does; return its path.

        The API gives the place for it. `storage_url` is what download URLs begin with, up to the
        objects of the bucket.
        """
        wanted = {"size_bytes": len(audio), "content_type": "audio/wav"}
        path = str(self.post("/api/uploads", wanted, 201)["upload"]["path"])
        headers = {
            "Authorization": f"Firebase {self._id_token}",
            "Content-Type": "audio/wav",
        }
        answer = self._http.post(storage_url, params={"name": path}, content=audio, headers=headers)
        _body(answer, 200)
        return path

    def save_voice(
        self, fields: dict[str, str], sample: bytes, profile: bytes | None = None
    ) -> dict[str, Any]:
        """Save a voice as multipart with files."""
        files = {"audio_file": ("sample.wav", sample, "audio/wav")}
        if profile is not None:
            files["profile_file"] = ("profile.npy", profile, "application/octet-stream")
        return _body(self._http.post("/api/voices/save", data=fields, files=files), 201)

    def save_speech_as_multipart(self, fields: dict[str, str], audio: bytes) -> dict[str, Any]:
        """Save speech as multipart with a file."""
        files = {"audio_file": ("speech.wav", audio, "audio/wav")}
        return _body(self._http.post("/api/tts/save", data=fields, files=files), 201)

    def save_speech_as_json(self, fields: dict[str, Any], audio: bytes) -> dict[str, Any]:
        """Save speech as JSON with base64."""
        body = {**fields, "audio_base64": _base64(audio)}
        return _body(self._http.post("/api/tts/save", json=body), 201)

    def save_speech_as_base64_form(self, fields: dict[str, str], audio: bytes) -> dict[str, Any]:
        """Save speech as multipart with base64 in a text field."""
        # httpx sends multipart only where there are files; a name-less file is a text field.
        parts = {name: (None, text) for name, text in fields.items()}
        parts["audio_base64"] = (None, _base64(audio))
        return _body(self._http.post("/api/tts/save", files=parts), 201)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _body(answer: httpx.Response, expected: int) -> dict[str, Any]:
    if answer.status_code != expected:
        raise _failed(answer)
    body: dict[str, Any] = answer.json()
    return body


def _failed(answer: httpx.Response) -> ApiFailed:
    request = f"{answer.request.method} {answer.request.url.path}"
    return ApiFailed(f"{request}: {answer.status_code} {answer.text[:500]}")
