"""The workflow that Voxshelf replaces, as voice-cloning projects have it: local disk, then a copy.

A FastAPI server under uvicorn. A save reads the form, writes its files into a folder, uploads one
file after another with google-cloud-storage, and writes one document. Nothing is validated,
nothing is undone when a step fails, and the local files stay: the server plays from them.

`python -m uvicorn benchmarks.local_disk_server:app`, with the emulators' variables and
LOCAL_DISK_FOLDER set. Handlers are plain functions, which FastAPI runs in its pool of 40 threads.
Such code often has `async def` and blocks the event loop with every call; that would serve one
request at a time, and this is to be the better of the two.
"""

import os
import time
import uuid
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, File, Form, UploadFile
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.storage import Client as StorageClient

FOLDER = Path(os.environ["LOCAL_DISK_FOLDER"])
PROJECT = os.environ["GCLOUD_PROJECT"]
BUCKET = os.environ["STORAGE_BUCKET"]

app = FastAPI()
bucket = StorageClient(
    project=PROJECT,
    credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
).bucket(BUCKET)
database = firestore.Client(project=PROJECT)


@app.post("/api/voices/save")
def save_voice(
    voice_name: Annotated[str, Form()],
    audio_file: Annotated[UploadFile, File()],
    profile_file: Annotated[UploadFile, File()],
    template_message: Annotated[str, Form()] = "",
    language: Annotated[str, Form()] = "en",
) -> dict[str, object]:
    """Save a voice: sample and profile to disk, both to Storage, then its document."""
    voice_id = f"voice_{uuid.uuid4().hex}"
    folder = FOLDER / "voices" / voice_id
    sample = written(folder / "sample.wav", audio_file)
    profile = written(folder / "profile.npy", profile_file)
    document = {
        "voice_id": voice_id,
        "name": voice_name,
        "template_message": template_message,
        "language": language,
        "sample_url": uploaded(sample, f"voices/{voice_id}/{sample.name}"),
        "profile_url": uploaded(profile, f"voices/{voice_id}/{profile.name}"),
        "created_at": time.time(),
    }
    database.collection("local_voices").document(voice_id).set(document)
    return {"status": "success", "voice_id": voice_id, "voice": document}


@app.post("/api/tts/save")
def save_speech(
    voice_id: Annotated[str, Form()],
    text_input: Annotated[str, Form()],
    audio_file: Annotated[UploadFile, File()],
    generation_time: Annotated[float, Form()] = 0.0,
) -> dict[str, object]:
    """Save speech: the audio to disk, then to Storage, then its document."""
    generation_id = f"gen_{uuid.uuid4().hex}"
    audio = written(FOLDER / "generations" / generation_id / "speech.wav", audio_file)
    document = {
        "generation_id": generation_id,
        "voice_id": voice_id,
        "text": text_input,
        "generation_time": generation_time,
        "audio_url": uploaded(audio, f"generations/{generation_id}/{audio.name}"),
        "created_at": time.time(),
    }
    database.collection("local_generations").document(generation_id).set(document)
    return {"status": "success", "generation_id": generation_id, "generation": document}


def written(path: Path, file: UploadFile) -> Path:
    """Write an uploaded file to disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.file.read())
    return path


def uploaded(path: Path, name: str) -> str:
    """Copy a file of the disk to Storage and return its address."""
    blob = bucket.blob(name)
    blob.upload_from_filename(str(path))
    return str(blob.public_url)
