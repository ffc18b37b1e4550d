"""Reading the library: lists, single items, and the way to their files."""

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from voxshelf import __version__
from voxshelf.core.errors import InvalidRequest
from voxshelf.core.query import GENERATION_FILTERS, VOICE_FILTERS, Cursor, ListQuery, Page, T
from voxshelf.endpoints import (
    library_deleting,
    library_editing,
    library_moving,
    library_uploads,
    library_usage,
)
from voxshelf.http import request_log
from voxshelf.http.boundary import Answer, Call, Endpoint, Route
from voxshelf.http.list_query import PAGING, query_text, read_list_query
from voxshelf.http.page_tokens import PageTokens
from voxshelf.http.paths import known_id
from voxshelf.http.present import etag, generation_body, shown_bytes, voice_body
from voxshelf.http.query_fields import refuse_unknown
from voxshelf.wiring import services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxshelf.core.items import Generation, Voice
    from voxshelf.core.reservation import Item
    from voxshelf.http.wire import (
        GenerationAnswer,
        GenerationList,
        Health,
        VoiceAnswer,
        VoiceList,
    )
    from voxshelf.use_cases.ports import Kind


# The first is what comes without asking: players and browsers follow it.
PROFILE_FORMATS = ("redirect", "json", "file")


def _health(_call: Call) -> Answer:
    body: Health = {"status": "success", "service": "voxshelf", "version": __version__}
    return Answer({**body})


def _list_voices(call: Call) -> Answer:
    query = _query(call, "voices", VOICE_FILTERS)
    page = call.services.catalogue.voices(call.uid, query)
    call.resources.take(shown_bytes(page.items))
    call.services.urls.prepare(path for item in page.items for path in item.object_paths)
    body: VoiceList = {
        "status": "success",
        "voices": [voice_body(voice, call.services.urls) for voice in page.items],
        "total_voices": page.total,
        "has_more": page.next is not None,
        "next_page_token": _next_token(call, "voices", query, page),
    }
    return Answer({**body})


def _list_generations(call: Call) -> Answer:
    query = _query(call, "generations", GENERATION_FILTERS)
    page = call.services.catalogue.generations(call.uid, query)
    call.resources.take(shown_bytes(page.items))
    call.services.urls.prepare(path for item in page.items for path in item.object_paths)
    body: GenerationList = {
        "status": "success",
        "generations": [generation_body(item, call.services.urls) for item in page.items],
        "total_generations": page.total,
        "has_more": page.next is not None,
        "next_page_token": _next_token(call, "generations", query, page),
    }
    return Answer({**body})


def _read_voice(call: Call, voice_id: str) -> Answer:
    voice = call.services.catalogue.voice(call.uid, known_id(voice_id))
    return replace(_voice_answer(call, voice), headers=etag(voice))


def _read_generation(call: Call, generation_id: str) -> Answer:
    generation = call.services.catalogue.generation(call.uid, known_id(generation_id))
    return replace(_generation_answer(call, generation), headers=etag(generation))


def _renew_voice_urls(call: Call, voice_id: str) -> Answer:
    read = call.services.catalogue.voice(call.uid, known_id(voice_id))
    voice = cast("Voice", _renewed(call, read))
    return replace(_voice_answer(call, voice), kept={"id": voice_id})


def _renew_generation_urls(call: Call, generation_id: str) -> Answer:
    read = call.services.catalogue.generation(call.uid, known_id(generation_id))
    generation = cast("Generation", _renewed(call, read))
    return replace(_generation_answer(call, generation), kept={"id": generation_id})


def _voice_answer(call: Call, voice: "Voice") -> Answer:
    body: VoiceAnswer = {"status": "success", "voice": voice_body(voice, call.services.urls)}
    return Answer({**body})


def _generation_answer(call: Call, generation: "Generation") -> Answer:
    body: GenerationAnswer = {
        "status": "success",
        "generation": generation_body(generation, call.services.urls),
    }
    return Answer({**body})


def _voice_again(call: Call, kept: "Mapping[str, str]") -> Answer:
    return _voice_answer(call, call.services.catalogue.voice(call.uid, kept["id"]))


def _generation_again(call: Call, kept: "Mapping[str, str]") -> Answer:
    return _generation_answer(call, call.services.catalogue.generation(call.uid, kept["id"]))


def _renewed(call: Call, item: "Item") -> "Item":
    from voxshelf.http.received import spool_in
    from voxshelf.use_cases.renew_urls import renew_urls

    services = call.services
    return renew_urls(
        call.uid,
        item,
        library=services.library,
        objects=services.objects,
        sink=lambda size_bytes: spool_in(call.resources, size_bytes),
        policy=services.policy,
    )


def _play_sample(call: Call, voice_id: str) -> Answer:
    voice = call.services.catalogue.voice(call.uid, known_id(voice_id))
    return _redirect(call, voice.sample.path, voice.sample.token)


def _fetch_profile(call: Call, voice_id: str) -> Answer:
    from voxshelf.http.present_profile import profile_as_file, profile_as_json
    from voxshelf.use_cases.read_profile import profile_of, read_profile

    refuse_unknown(call.request.args, ("format",))
    services, form = call.services, call.request.args.get("format", "redirect")
    if form not in PROFILE_FORMATS:
        expected = ", ".join(PROFILE_FORMATS)
        raise InvalidRequest(f"format must be one of {expected}.", details={"field": "format"})
    voice = services.catalogue.voice(call.uid, known_id(voice_id))
    profile = profile_of(voice)
    if form == "redirect":
        return _redirect(call, profile.path, profile.token)
    call.resources.take(profile.size_bytes)
    profile, data = read_profile(
        call.uid, voice_id, catalogue=services.catalogue, cache=services.cache, known=profile
    )
    request_log.event("cache", {**services.cache.figures})
    if form == "file":
        return profile_as_file(voice, data)
    return profile_as_json(voice_id, profile, data)


def _play_generation(call: Call, generation_id: str) -> Answer:
    generation = call.services.catalogue.generation(call.uid, known_id(generation_id))
    return _redirect(call, generation.audio.path, generation.audio.token)


def _redirect(call: Call, path: str, token: str) -> Answer:
    location = call.services.urls.url(path, token)
    return Answer({"status": "success", "url": location}, 302, {"Location": location})


def _query(call: Call, kind: "Kind", filters: tuple[str, ...]) -> ListQuery:
    def cursor_of(query: str, token: str) -> Cursor:
        return _tokens(call, kind, query).read(token)

    refuse_unknown(call.request.args, (*PAGING, *filters))
    return read_list_query(call.request.args, filters, cursor_of)


def _next_token(call: Call, kind: "Kind", query: ListQuery, page: Page[T]) -> str | None:
    if page.next is None:
        return None
    return _tokens(call, kind, query_text(query)).make(page.next)


def _tokens(call: Call, kind: "Kind", query: str) -> PageTokens:
    return PageTokens(call.services.page_token_key, call.uid, f"{kind} {query}")


ROUTES = (
    Route("GET", "/api/health", _health, public=True),
    Route("GET", "/api/voices", _list_voices),
    Route("GET", "/api/voices/<voice_id>", _read_voice),
    Route("POST", "/api/voices/<voice_id>/urls/renew", _renew_voice_urls, again=_voice_again),
    Route("GET", "/api/voices/<voice_id>/sample", _play_sample),
    Route("GET", "/api/voices/<voice_id>/profile", _fetch_profile),
    Route("GET", "/api/tts/generations", _list_generations),
    Route("GET", "/api/tts/generations/<generation_id>", _read_generation),
    Route(
        "POST",
        "/api/tts/generations/<generation_id>/urls/renew",
        _renew_generation_urls,
        again=_generation_again,
    ),
    Route("GET", "/api/tts/generations/<generation_id>/audio", _play_generation),
    *library_deleting.ROUTES,
    *library_editing.ROUTES,
    *library_moving.ROUTES,
    *library_uploads.ROUTES,
    *library_usage.ROUTES,
)
handle = Endpoint(ROUTES, services)
