"""Every row of hostile requests: 4xx, never 5xx, at once; and what was sent is never believed."""

import json

import pytest

from tests.hardening.bodies import b64, form, json_body, part
from tests.hardening.conftest import SLOWEST_S
from tests.sounds import npy, wav

AUDIO = wav(1.0)
B64 = b64(AUDIO)
MIB = 1024 * 1024


def voice(**fields) -> dict:
    return json_body({"voice_name": "Row", "audio_base64": B64, **fields})


def raw(text: str) -> dict:
    """A JSON body of a good voice with more text in it."""
    return json_body(f'{{"voice_name":"Row","audio_base64":"{B64}",{text}}}'.encode())


def parts(*more: bytes) -> dict:
    return form(part("voice_name", b"Row"), part("audio_file", AUDIO, "a.wav"), *more)


REFUSED = {
    "a body over the limit": (lambda: json_body(b"x" * (32 * MIB + 1)), 413),
    "a form over the limit": (lambda: parts(part("x", b"y" * 32 * MIB)), 413),
    "10,000 parts": (lambda: parts(*(part(f"n{n}", b"v") for n in range(10_000))), 400),
    "a form without an end": (lambda: form(part("voice_name", b"Row"), end=b""), 400),
    "a form without a boundary": (
        lambda: {"data": b"x", "content_type": "multipart/form-data"},
        400,
    ),
    "no content type": (lambda: {"data": b"{}"}, 415),
    "an unknown content type": (lambda: {"data": b"{}", "content_type": "text/xml"}, 415),
    "no body": (lambda: json_body(b""), 400),
    "base64 with junk": (lambda: voice(audio_base64=B64[:100] + "!" + B64[100:]), 400),
    "base64 with junk behind": (lambda: voice(audio_base64=B64 + "<script>"), 400),
    "base64 cut off": (lambda: voice(audio_base64=B64[: len(B64) // 4 * 4 - 3]), 400),
    "base64 of two alphabets": (lambda: voice(audio_base64="-_+/" * 100), 400),
    "base64 of full-width letters": (lambda: voice(audio_base64="ＡＡＡＡ"), 400),
    "base64 with half of a surrogate pair": (lambda: voice(audio_base64=B64 + "\ud800"), 400),
    "base64 that is a number": (lambda: voice(audio_base64=7), 400),
    "base64 that is a list": (lambda: voice(audio_base64=[B64]), 400),
    "base64 of a profile with junk": (lambda: voice(profile_base64="!!!!"), 400),
    "base64 in a form with junk": (
        lambda: form(part("voice_name", b"Row"), part("audio_base64", b"\xf0\x9f\x98\x80" * 99)),
        400,
    ),
    "NaN": (lambda: raw('"parameters":{"a":NaN}'), 400),
    "Infinity": (lambda: raw('"parameters":{"a":Infinity}'), 400),
    "-Infinity": (lambda: raw('"parameters":{"a":-Infinity}'), 400),
    "1e999": (lambda: raw('"parameters":{"a":1e999}'), 400),
    "duplicate keys": (lambda: raw('"voice_name":"Other"'), 400),
    "duplicate keys within": (lambda: raw('"parameters":{"a":1,"a":2}'), 400),
    "depth 100,000": (lambda: json_body(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), 400),
    "depth 100,000 of objects": (
        lambda: json_body(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        400,
    ),
    "a number of 5,000 digits": (lambda: raw('"parameters":{"a":' + "9" * 5000 + "}"), 400),
    "a fraction of 5,000 digits, beyond": (
        lambda: raw('"parameters":{"a":' + "9" * 5000 + ".5}"),
        400,
    ),
    "a lone surrogate": (lambda: voice(voice_name="a\ud800b"), 400),
    "bytes that are not UTF-8": (lambda: json_body(b'{"voice_name":"\xff"}'), 400),
    "UTF-16": (lambda: json_body('{"voice_name":"Row"}'.encode("utf-16")), 400),
    "NUL in a name": (lambda: voice(voice_name="a\0b"), 400),
    "control characters in a name": (lambda: voice(voice_name="a\x1b[31mb"), 400),
    "a line break in a name": (lambda: voice(voice_name='a\n{"severity":"x"}'), 400),
    "a C1 control in a name": (lambda: voice(voice_name="a\x85b"), 400),
    "10,000 characters in a name": (lambda: voice(voice_name="x" * 10_000), 400),
    "a name of spaces": (lambda: voice(voice_name="   "), 400),
    "a name that is an object": (lambda: voice(voice_name={"$ne": None}), 400),
    "../ in an id": (lambda: voice(voice_id="../../etc/passwd"), 400),
    "%2e%2e%2f in an id": (lambda: voice(voice_id="%2e%2e%2f"), 400),
    ". as an id": (lambda: voice(voice_id="."), 400),
    ".. as an id": (lambda: voice(voice_id=".."), 400),
    "__x__ as an id": (lambda: voice(voice_id="__x__"), 400),
    "a slash in an id": (lambda: voice(voice_id="a/b"), 400),
    "NUL in an id": (lambda: voice(voice_id="a\0"), 400),
    "a line break behind an id": (lambda: voice(voice_id="a\nb"), 400),
    "an id of 10,000 characters": (lambda: voice(voice_id="a" * 10_000), 400),
    "an id that is not normalised": (lambda: voice(voice_id="e\u0301"), 400),
    "1,000 parameters": (lambda: voice(parameters={f"p{n}": n for n in range(1000)}), 400),
    "1,000 tags": (lambda: voice(tags=["t"] * 1000), 400),
    "a million little values": (lambda: json_body({"a": ["x"] * 1_000_000}), 400),
    "a million lists": (lambda: json_body(b'{"a":[' + b"[]," * 1_000_000 + b"1]}"), 400),
    "escaped quotes without end": (lambda: json_body(b'{"a":"' + b'\\"' * 10_000_000), 400),
    "parameters of a header without end": (
        lambda: form(*[part('n"' + ';a="\\"' * 2_000 + ';b="', b"v")] * 60),
        400,
    ),
}


@pytest.mark.parametrize("row", REFUSED)
def test_a_hostile_request_is_the_clients_mistake(post, services, row):
    request, status = REFUSED[row]
    answer = post("voices_save", **request())
    assert answer.status == status, answer.body
    assert answer.body["status"] == "error"
    assert answer.took_s < SLOWEST_S
    assert services.library.records == {}
    assert services.objects.stored == {}


DROPPED = {
    "NaN in a form": (lambda: parts(part("parameters", b'{"a":NaN}')), "parameters"),
    "depth 10,000 in a form": (lambda: parts(part("parameters", b"[" * 10_000)), "parameters"),
    "2^63": (lambda: voice(parameters={"a": 2**63}), "parameters.a"),
    "-2^63-1": (lambda: voice(parameters={"a": -(2**63) - 1}), "parameters.a"),
    "a lone surrogate in a key": (lambda: voice(parameters={"\udfff": 1}), "parameters.\ufffd"),
    "a lone surrogate in a tag": (lambda: voice(tags=["\ud800"]), "tags"),
    "an encoded surrogate": (lambda: raw('"description":"\\udc00"'), "description"),
    "a parameter named __proto__": (
        lambda: voice(parameters={"__proto__": 1}),
        "parameters.__proto__",
    ),
    "a text that is not UTF-8": (lambda: parts(part("description", b"\xff")), "description"),
}


@pytest.mark.parametrize("row", DROPPED)
def test_a_side_note_that_cannot_be_kept_is_never_stored_and_loses_no_save(post, services, row):
    request, field = DROPPED[row]
    answer = post("voices_save", **request())
    assert answer.status == 201, answer.body
    assert {warning["field"] for warning in answer.body["warnings"]} == {field}
    assert answer.took_s < SLOWEST_S
    voice = answer.body["voice"]
    assert voice["parameters"] == {}
    assert not set("\ud800\udc00\udfff") & set(repr(services.library.records))


@pytest.mark.parametrize(
    "name",
    ["\u202egnp.exe", "👩‍👩‍👧‍👦", "שלום", "Zoë", "名前", "a" * 100, "'; DROP TABLE voices; --",
     "<b>x</b>", "%2e%2e%2f"],
    ids=["RTL mark", "emoji", "Hebrew", "Latin", "Japanese", "100", "SQL", "HTML", "escapes"],
)  # fmt: skip
def test_a_name_in_any_script_is_kept_as_it_is_and_never_becomes_a_path(post, services, name):
    answer = post("voices_save", **voice(voice_name=name))
    assert answer.status == 201, answer.body
    assert answer.body["voice"]["name"] == name
    for path in services.objects.stored:
        folder, uid, file = path.split("/")
        assert (folder, uid) == ("voice_samples", "ada")
        assert not set(file) & set("\u202e<>%'; ")


FORGED = {
    "userId": "mallory",
    "user_id": "mallory",
    "uid": "mallory",
    "status": "ready",
    "storagePath": "voice_samples/mallory/x.wav",
    "downloadUrl": "https://evil.example/x",
    "firebase_url": "https://evil.example/x",
    "trusted": True,
    "created_at": "1970-01-01T00:00:00Z",
    "__proto__": {"admin": True},
}


@pytest.mark.parametrize("shape", ["json", "form"])
def test_fields_that_only_the_server_decides_are_never_stored(post, services, shape):
    if shape == "json":
        profile = b64(npy())
        answer = post("voices_save", **voice(profile_base64=profile, **FORGED))
    else:
        fields = (part(name, json.dumps(value).encode()) for name, value in FORGED.items())
        answer = post("voices_save", **parts(*fields))
    assert answer.status == 201, answer.body
    for forged in ("mallory", "evil.example", "1970-01-01", "admin"):
        assert forged not in json.dumps(answer.body)
        assert forged not in repr(services.library.records)
    assert all(path.split("/")[1] == "ada" for path in services.objects.stored)


@pytest.mark.parametrize("escaped", ["/", "+", "="])
def test_base64_with_its_letters_escaped_is_the_same_audio(post, services, escaped):
    body = json.dumps({"voice_name": "Row", "audio_base64": b64(wav(20.0))})
    escape = "\\/" if escaped == "/" else f"\\u{ord(escaped):04x}"
    answer = post("voices_save", **json_body(body.replace(escaped, escape).encode()))
    assert answer.status == 201, answer.body
    assert answer.body["voice"]["sample"]["duration_s"] == 20.0
