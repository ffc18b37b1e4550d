"""Results of jobs, saved by the same readers and use cases as every save of a client."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any, BinaryIO, TypeVar, cast

from voxshelf.core.content import Content, NewObject
from voxshelf.core.errors import InvalidRequest, NotFound
from voxshelf.core.jobs import CloneOrder, Job, SpeechOrder
from voxshelf.core.names import generation_id_of_job, kept_output_path
from voxshelf.core.runpod_output import read_output
from voxshelf.http.body import Fields
from voxshelf.http.commands import MAX_AUDIO_BYTES, read_save_speech, read_save_voice
from voxshelf.http.ports import Services
from voxshelf.http.received import spool_in
from voxshelf.http.resources import Resources
from voxshelf.use_cases.budget import PARSED_TIMES
from voxshelf.use_cases.job_ports import AudioFetcher, Jobs
from voxshelf.use_cases.save_speech import SaveSpeech, save_speech
from voxshelf.use_cases.save_voice import save_voice
from voxshelf.use_cases.voice_draft import SaveVoice

_PIECE_CHARACTERS = 64 * 1024
Command = TypeVar("Command", SaveVoice, SaveSpeech)

# What a worker says of its result, and what is left out where it cannot be read.
_OPTIONAL = frozenset(
    {
        "template_message",
        "text_input",
        "language",
        "timestamp",
        "generation_time",
        "sample_rate",
        "audio_shape",
    }
)


class SavedResults:
    """Plays `JobResults`."""

    def __init__(self, services: Services, jobs: Jobs, fetch_audio: AudioFetcher) -> None:
        """Save with `services`; audio that lies elsewhere is fetched by `fetch_audio`."""
        self._services, self._jobs, self._fetch_audio = services, jobs, fetch_audio

    def save(self, uid: str, job: Job, output: Any) -> str:
        """See `JobResults.save`."""
        with Resources(self._services.budget) as resources:
            values = read_output(output)
            resources.take(sum(len(text) for text in values.values() if isinstance(text, str)))
            files = self._fetched(values.pop("audio_url", None), resources)
            if isinstance(job.order, CloneOrder) and job.order.name:
                # The worker's id of a voice is not one that the user chose.
                values.pop("voice_id", None)
            values |= {"runpod_job_id": job.runpod_job_id, **_facts(job.order)}
            fields = Fields(values, files, resources)
            if isinstance(job.order, CloneOrder):
                return self._save_voice(_read(read_save_voice, uid, job, fields))
            return self._save_speech(_read(read_save_speech, uid, job, fields))

    def _fetched(self, url: str | None, resources: Resources) -> dict[str, Content]:
        if url is None:
            return {}
        spool = spool_in(resources, MAX_AUDIO_BYTES)
        self._fetch_audio(url, cast(BinaryIO, spool), MAX_AUDIO_BYTES)
        content = spool.content()
        # How long it is shows when it is there.
        resources.give_back(MAX_AUDIO_BYTES - content.size_bytes)
        return {"audio_file": content}

    def _save_voice(self, asked: SaveVoice) -> str:
        services, command = self._services, replace(asked, profile_from_job=True)
        if isinstance(command.profile, Content):
            # Before the voice is there: a voice of ours whose profile is not trusted could not
            # be spoken with.
            self._jobs.trust(command.profile.sha256)
        saved = save_voice(
            command,
            library=services.library,
            objects=services.objects,
            uploads=services.upload_slots,
            inspect_audio=services.inspect_audio,
            policy=services.policy,
        )
        return saved.voice.voice_id

    def _save_speech(self, command: SaveSpeech) -> str:
        services = self._services
        saved = save_speech(
            command,
            library=services.library,
            objects=services.objects,
            uploads=services.upload_slots,
            inspect_audio=services.inspect_audio,
            policy=services.policy,
        )
        return saved.generation.generation_id

    def saved(self, uid: str, job: Job) -> str | None:
        """See `JobResults.saved`."""
        if job.runpod_job_id is None or not job.order.voice_id:
            return None
        order, catalogue = job.order, self._services.catalogue
        if isinstance(order, SpeechOrder):
            generation_id = generation_id_of_job(order.voice_id, job.runpod_job_id)
            with contextlib.suppress(NotFound):
                return catalogue.generation(uid, generation_id).generation_id
            return None
        # Under its id, or under another one if that was taken.
        for find, known in ((catalogue.voice, order.voice_id), (catalogue.voice_named, order.name)):
            with contextlib.suppress(NotFound):
                voice = find(uid, known)
                if voice.runpod_job_id == job.runpod_job_id:
                    return voice.voice_id
        return None

    def keep(self, uid: str, output: Any) -> str:
        """See `JobResults.keep`."""
        with Resources(self._services.budget) as resources:
            spool = spool_in(resources)
            # Piece by piece: the whole text beside the output would be the same once more.
            for piece in _json_pieces(output):
                # As what is written, and as what it is made of.
                resources.take(2 * len(piece))
                spool.write(piece.encode())
            content = spool.content()
            path = kept_output_path(uid, content.sha256)
            kept = NewObject(path, content, "application/json", "attachment", "")
            self._services.objects.begin([kept]).finish()
            return content.sha256

    def kept(self, uid: str, output_sha256: str) -> Any | None:
        """See `JobResults.kept`."""
        path, objects = kept_output_path(uid, output_sha256), self._services.objects
        size_bytes = objects.size(path)
        if size_bytes is None:
            return None
        with Resources(self._services.budget) as resources:
            resources.take(PARSED_TIMES * size_bytes)
            into = BytesIO()
            try:
                objects.download(path, into)
            except NotFound:
                return None
            data = into.getvalue()
            is_same = hashlib.sha256(data).hexdigest() == output_sha256
            return json.loads(data) if is_same else None

    def drop(self, uid: str, output_sha256s: Iterable[str]) -> None:
        """See `JobResults.drop`."""
        self._services.objects.delete(kept_output_path(uid, digest) for digest in output_sha256s)

    def drop_recording(self, path: str) -> None:
        """See `JobResults.drop_recording`."""
        self._services.objects.delete([path])


def _json_pieces(value: Any) -> Iterator[str]:
    """Yield JSON in pieces; a long text, which encoders write as one, in many."""
    if isinstance(value, str):
        yield '"'
        for start in range(0, len(value), _PIECE_CHARACTERS):
            yield json.dumps(value[start : start + _PIECE_CHARACTERS])[1:-1]
        yield '"'
    elif isinstance(value, dict):
        for number, (name, item) in enumerate(value.items()):
            yield f"{',' if number else '{'}{json.dumps(name)}:"
            yield from _json_pieces(item)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield "," if number else "["
            yield from _json_pieces(item)
        yield "]" if value else "[]"
    else:
        yield json.dumps(value)


def _read(
    read: Callable[[str, Fields, str], Command], uid: str, job: Job, fields: Fields
) -> Command:
    """Read a save, without those facts of the worker's that cannot be read.

    What it says beside the audio is not worth losing the audio for.
    """
    try:
        return read(uid, fields, f"job:{job.job_id}")
    except InvalidRequest as error:
        name = error.details.get("field")
        if name not in _OPTIONAL & fields.values.keys():
            raise
        values = {other: value for other, value in fields.values.items() if other != name}
        return _read(read, uid, job, replace(fields, values=values))


def _facts(order: CloneOrder | SpeechOrder) -> dict[str, Any]:
    """Return what the user asked for; it wins over what the worker says of its result."""
    facts: dict[str, Any] = {
        "language": order.language,
        "tags": list(order.tags),
        "parameters": dict(order.parameters),
    }
    if isinstance(order, SpeechOrder):
        facts |= {"voice_id": order.voice_id, "text_input": order.text}
    else:
        facts |= {
            "voice_id": order.voice_id if order.has_own_id else None,
            "voice_name": order.name,
            "template_message": order.template_message,
            "description": order.description,
        }
        if order.consent is not None:
            facts["consent"] = dict(zip(("statement", "granted_by"), order.consent, strict=True))
    # An adopted job has only some of them: the others are the worker's.
    return {name: value for name, value in facts.items() if value}
