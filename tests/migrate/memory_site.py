"""A whole site behind an in-memory transport: the real functions, and what Firebase adds."""

import base64
import json
from urllib.parse import parse_qsl

import httpx

from voxshelf.core.errors import Unauthenticated

URL = "https://voxshelf.example"


def id_token(uid, number=0):
    """An unsigned token of a user; the number tells one from another."""
    parts = [{"alg": "none"}, {"sub": uid, "number": number}]
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([text.rstrip("=") for text in texts] + [""])


class UnsignedTokens:
    """Plays `IdTokens`, for tokens of `id_token` that have not ended."""

    def __init__(self):
        self.ended = set()

    def uid(self, token):
        if token in self.ended:
            raise Unauthenticated("Sign in: the ID token is missing, wrong or expired.")
        payload = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"]


class MemorySite:
    """Answers requests of httpx. `faults` are taken by the saves, first come, first served.

    A fault takes the request and what would serve it; None lets a save pass.
    """

    def __init__(self, services, function):
        self.services, self._function = services, function
        self.saves, self.uploads, self.sign_ins, self.faults = [], [], [], []
        self.token_lifetime_s = 3600

    @property
    def transport(self):
        return httpx.MockTransport(self._answer)

    @property
    def voices(self):
        return self._listed("/voices", "voices")

    @property
    def generations(self):
        return self._listed("/tts/generations", "generations")

    def _listed(self, path, name):
        headers = {"Authorization": f"Bearer {id_token('ada')}"}
        answer = self._function("library").get(f"/api{path}?page_size=100", headers=headers)
        return answer.get_json()[name]

    def _answer(self, request):
        if request.url.host == "elsewhere.example":
            assert "Authorization" not in request.headers
            return httpx.Response(404, text="<html>")
        if request.url.host == "files.example":
            return self._upload(request)
        if request.url.host.endswith("googleapis.com") or "googleapis.com" in request.url.path:
            return self._sign_in(request)
        if request.method == "POST" and request.url.path.endswith("/save"):
            self.saves.append(request)
            fault = self.faults.pop(0) if self.faults else None
            if fault is not None:
                return fault(request, self._serve)
        return self._serve(request)

    def _serve(self, request):
        names = {"/api/voices/save": "voices_save", "/api/tts/save": "tts_save"}
        client = self._function(names.get(request.url.path, "library"))
        answer = client.open(
            request.url.raw_path.decode(),
            method=request.method,
            data=request.read(),
            headers={name: text for name, text in request.headers.items() if name != "host"},
        )
        return httpx.Response(
            answer.status_code, headers=list(answer.headers.items()), content=answer.data
        )

    def _upload(self, request):
        name = request.url.params["name"]
        self.uploads.append(name)
        # As storage.rules have it.
        slot, data = self.services.upload_slots.find("ada", name), request.read()
        fits = slot is not None and slot.taken is None and len(data) <= slot.size_bytes
        same_type = slot is not None and request.headers["Content-Type"] == slot.content_type
        if name in self.services.objects.stored or not (fits and same_type):
            return httpx.Response(403)
        self.services.objects.plant(name, data)
        return httpx.Response(200, json={"name": name})

    def _sign_in(self, request):
        self.sign_ins.append(request)
        token, lifetime = id_token("ada", len(self.sign_ins)), str(self.token_lifetime_s)
        if request.url.path.endswith("signInWithPassword"):
            if json.loads(request.read())["password"] != "right":
                return httpx.Response(400, json={"error": {"message": "INVALID_PASSWORD"}})
            body = {"idToken": token, "refreshToken": "refresh", "expiresIn": lifetime}
            return httpx.Response(200, json=body)
        assert dict(parse_qsl(request.read().decode()))["refresh_token"] == "refresh"
        body = {"id_token": token, "refresh_token": "refresh", "expires_in": lifetime}
        return httpx.Response(200, json=body)
