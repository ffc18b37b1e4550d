"""Real programs that save a voice, each in its own way of sending a body over HTTP."""

import base64
import http.client
import json
import os
import re
import shlex
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

ROOT = Path(__file__).parents[2]
NODE_CLIENTS = Path(__file__).with_suffix(".mjs")
# No client may hang: the slowest start of a function takes some seconds.
PATIENCE_S = 60
_STATUS = "\n%{http_code}"
_BOUNDARY = "9d1a9d3e-7b5c-4c5e-8a11-0f5d4b1f0c77"


@dataclass(frozen=True)
class Reply:
    """What a client got back."""

    status: int
    text: str

    @property
    def json(self) -> dict:
        return json.loads(self.text)


@dataclass(frozen=True)
class Save:
    """A voice to be saved: where, by whom, under which name and from which file."""

    url: str
    token: str
    name: str
    file: Path

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def form(self) -> Iterator[bytes]:
        """The parts as .NET and PowerShell write them: names unquoted, a type for each part."""
        text, audio = b"text/plain; charset=utf-8", b"audio/wav"
        yield _head(text, b"name=voice_name") + self.name.encode() + b"\r\n"
        yield _head(audio, b"name=audio_file; filename=a.wav; filename*=utf-8''a.wav")
        yield self.file.read_bytes()
        yield b"\r\n--%b--\r\n" % _BOUNDARY.encode()


def _head(kind: bytes, names: bytes) -> bytes:
    lines = (b"--" + _BOUNDARY.encode(), b"Content-Type: " + kind)
    return b"\r\n".join([*lines, b"Content-Disposition: form-data; " + names, b"", b""])


def readme_command() -> str:
    """The command by which the README saves a voice."""
    text = (ROOT / "README.md").read_text()
    [command] = re.findall(r"^```sh\n(curl .*?)^```", text, re.MULTILINE | re.DOTALL)
    return command


def readme(save: Save) -> Reply:
    """The README's command, for the stack at hand, another name and another file."""
    command = readme_command()
    site = save.url.removesuffix("/api/voices/save")
    for written, ours in (
        ("http://127.0.0.1:5000", site),
        ("'Demo voice'", shlex.quote(save.name)),
        (".local/sample.wav", str(save.file)),
    ):
        assert command.count(written) == 1, written
        command = command.replace(written, ours)
    command = command.replace("curl ", f"curl -w '{_STATUS}' -m {PATIENCE_S} ", 1)
    return _ran(["bash", "-c", command], save.token)


def curl(save: Save, *arguments: str, body: bytes | None = None) -> Reply:
    """Curl with these arguments."""
    line = ["curl", "-sS", "-w", _STATUS, "-m", str(PATIENCE_S), save.url, *arguments]
    return _ran([*line, "-H", f"Authorization: Bearer {save.token}"], save.token, body)


def curl_form(save: Save, *arguments: str) -> Reply:
    """Curl's own form, and further arguments."""
    return curl(save, "-F", f"voice_name={save.name}", "-F", f"audio_file=@{save.file}", *arguments)


def curl_text_part(save: Save) -> Reply:
    """Curl that sends the file as a part without a file name."""
    return curl(save, "-F", f"voice_name={save.name}", "-F", f"audio_file=<{save.file}")


def curl_upload(save: Save) -> Reply:
    """Curl that uploads its standard input, whose length it does not know."""
    audio = base64.b64encode(save.file.read_bytes()).decode()
    body = json.dumps({"voice_name": save.name, "audio_base64": audio}).encode()
    arguments = ("-X", "POST", "-T", "-", "-H", "Content-Type: application/json")
    return curl(save, *arguments, body=body)


def _ran(line: list[str], token: str, body: bytes | None = None) -> Reply:
    environ = {**os.environ, "TOKEN": token}
    run = subprocess.run(
        line, input=body, capture_output=True, env=environ, timeout=PATIENCE_S + 10, check=False
    )
    assert run.returncode == 0, run.stderr
    text, _, status = run.stdout.decode().rpartition("\n")
    return Reply(int(status), text)


def node(save: Save, client: str) -> Reply:
    """One of the clients in Node."""
    line = ["node", str(NODE_CLIENTS), client, save.url, save.name, str(save.file)]
    environ = {**os.environ, "TOKEN": save.token}
    run = subprocess.run(
        line, capture_output=True, text=True, env=environ, timeout=PATIENCE_S + 10, check=False
    )
    assert run.returncode == 0, run.stderr
    return Reply(**json.loads(run.stdout))


_MULTIPART = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}


def http_client(save: Save) -> Reply:
    """Python's own client, chunked."""
    where = urlsplit(save.url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=PATIENCE_S)
    headers = {**save.authorization, **_MULTIPART}
    connection.request("POST", where.path, save.form(), headers, encode_chunked=True)
    answer = connection.getresponse()
    reply = Reply(answer.status, answer.read().decode())
    connection.close()
    return reply


def httpx_generator(save: Save) -> Reply:
    """HTTPX, whose body is a generator."""
    headers = {**save.authorization, **_MULTIPART}
    with httpx.Client(timeout=PATIENCE_S, trust_env=False) as client:
        answer = client.post(save.url, content=save.form(), headers=headers)
    return Reply(answer.status_code, answer.text)


def dotnet(save: Save) -> Reply:
    """What .NET and PowerShell put on the line; it waits until it is told to continue."""
    where = urlsplit(save.url)
    body = b"".join(save.form())
    lines = [
        f"POST {where.path} HTTP/1.1",
        f"Host: {where.netloc}",
        f"Authorization: Bearer {save.token}",
        "Expect: 100-continue",
        f'Content-Type: multipart/form-data; boundary="{_BOUNDARY}"',
        f"Content-Length: {len(body)}",
    ]
    with socket.create_connection((where.hostname, where.port), timeout=PATIENCE_S) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode())
        told = line.recv(4096)
        assert told == b"HTTP/1.1 100 Continue\r\n\r\n", told
        line.sendall(body)
        answer = http.client.HTTPResponse(line)
        answer.begin()
        return Reply(answer.status, answer.read().decode())
