"""Reading the library: lists, single items, and the way to their files."""

from typing import TYPE_CHECKING, Literal

from voxshelf import __version__
from voxshelf.core.errors import NotFound
from voxshelf.core.names import is_valid_id
from voxshelf.core.query import GENERATION_FILTERS, VOICE_FILTERS, Cursor, ListQuery, Page, T
from voxshelf.http.boundary import Answer, Call, Endpoint, Route
from voxshelf.http.list_query import query_text, read_list_query
from voxshelf.http.page_tokens import PageTokens
from voxshelf.http.present import generation_body, voice_body
from voxshelf.wiring import services

if TYPE_CHECKING:
    from voxshelf.http.wire import (
        GenerationAnswer,
        GenerationList,
        Health,
        VoiceAnswer,
        VoiceList,
    )

Kind = Literal["voices", "generations"]


def _health() -> Answer:
    body: Health = {"status": "success", "service": "voxshelf", "version": __version__}
    return Answer({**body})


def _list_voices(call: Call) -> Answer:
    query = _query(call, "voices", VOICE_FILTERS)
    page = call.services.catalogue.voices(call.uid, query)
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
    body: GenerationList = {
        "status": "success",
        "generations": [generation_body(item, call.services.urls) for item in page.items],
        "total_generations": page.total,
        "has_more": page.next is not None,
        "next_page_token": _next_token(call, "generations", query, page),
    }
    return Answer({**body})


def _read_voice(call: Call, voice_id: str) -> Answer:
    voice = call.services.catalogue.voice(call.uid, _known(voice_id))
    body: VoiceAnswer = {"status": "success", "voice": voice_body(voice, call.services.urls)}
    return Answer({**body})


def _read_generation(call: Call, generation_id: str) -> Answer:
    generation = call.services.catalogue.generation(call.uid, _known(generation_id))
    body: GenerationAnswer = {
        "status": "success",
        "generation": generation_body(generation, call.services.urls),
    }
    return Answer({**body})


def _play_sample(call: Call, voice_id: str) -> Answer:
    voice = call.services.catalogue.voice(call.uid, _known(voice_id))
    return _redirect(call, voice.sample.path, voice.sample.token)


def _fetch_profile(call: Call, voice_id: str) -> Answer:
    voice = call.services.catalogue.voice(call.uid, _known(voice_id))
    if voice.profile is None:
        raise NotFound("This voice has no profile.")
    return _redirect(call, voice.profile.path, voice.profile.token)


def _play_generation(call: Call, generation_id: str) -> Answer:
    generation = call.services.catalogue.generation(call.uid, _known(generation_id))
    return _redirect(call, generation.audio.path, generation.audio.token)


def _redirect(call: Call, path: str, token: str) -> Answer:
    location = call.services.urls.url(path, token)
    return Answer({"status": "success", "url": location}, 302, {"Location": location})


def _known(item_id: str) -> str:
    """Return an id that can exist; one that cannot is as missing as any other."""
    if not is_valid_id(item_id):
        raise NotFound("There is no such item in your library.")
    return item_id


def _query(call: Call, kind: Kind, filters: tuple[str, ...]) -> ListQuery:
    def cursor_of(query: str, token: str) -> Cursor:
        return _tokens(call, kind, query).read(token)

    return read_list_query(call.request.args, filters, cursor_of)


def _next_token(call: Call, kind: Kind, query: ListQuery, page: Page[T]) -> str | None:
    if page.next is None:
        return None
    return _tokens(call, kind, query_text(query)).make(page.next)


def _tokens(call: Call, kind: Kind, query: str) -> PageTokens:
    return PageTokens(call.services.page_token_key, call.uid, f"{kind} {query}")


ROUTES = (
    Route("GET", "/api/health", _health, public=True),
    Route("GET", "/api/voices", _list_voices),
    Route("GET", "/api/voices/<voice_id>", _read_voice),
    Route("GET", "/api/voices/<voice_id>/sample", _play_sample),
    Route("GET", "/api/voices/<voice_id>/profile", _fetch_profile),
    Route("GET", "/api/tts/generations", _list_generations),
    Route("GET", "/api/tts/generations/<generation_id>", _read_generation),
    Route("GET", "/api/tts/generations/<generation_id>/audio", _play_generation),
)
handle = Endpoint(ROUTES, services)
