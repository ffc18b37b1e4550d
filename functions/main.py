"""The HTTP functions of Voxshelf; functions.yaml says how each is deployed.

Every function of a deployment loads this one file, so it imports nothing but the
framework: what a function needs is imported by its first request. Four things are done here,
which cannot wait for one.
"""

import gc
import os

import flask
import functions_framework
from gunicorn.config import ControlSocketDisable, WorkerClass

from voxshelf.settings import refuse_emulators

# Until the first answer, collections would only walk through what imports keep for ever,
# which is a tenth or more of a cold start. `Endpoint` switches them on again.
gc.disable()

# gunicorn would listen for commands on a socket below HOME. Nobody sends any, and where a
# function may not write to HOME, each start would log an error in a form of gunicorn's own.
# functions-framework passes no setting on, and reads gunicorn's after this file.
ControlSocketDisable.default = True

# gunicorn's own worker lets eight slow clients keep all threads.
WorkerClass.default = "voxshelf.server.worker.PatientWorker"

# A real deployment that would believe unsigned tokens must
# not start at all, so that its revision never gets traffic.
refuse_emulators(os.environ)


@functions_framework.http
def voices_save(request: flask.Request) -> flask.Response:
    """Save a cloned voice: `POST /api/voices/save`."""
    from voxshelf.endpoints import voices_save as function

    return function.handle(request)


@functions_framework.http
def tts_save(request: flask.Request) -> flask.Response:
    """Save one generated speech: `POST /api/tts/save`."""
    from voxshelf.endpoints import tts_save as function

    return function.handle(request)


@functions_framework.http
def library(request: flask.Request) -> flask.Response:
    """List and read the library: `GET /api/voices`, `GET /api/tts/generations` and below."""
    from voxshelf.endpoints import library as function

    return function.handle(request)


@functions_framework.http
def voices_clone(request: flask.Request) -> flask.Response:
    """Start to clone a voice on RunPod: `POST /api/voices/clone`."""
    from voxshelf.endpoints import voices_clone as function

    return function.handle(request)


@functions_framework.http
def tts_generate(request: flask.Request) -> flask.Response:
    """Start to generate speech on RunPod: `POST /api/tts/generate`."""
    from voxshelf.endpoints import tts_generate as function

    return function.handle(request)


@functions_framework.http
def jobs(request: flask.Request) -> flask.Response:
    """Follow jobs on RunPod: `GET /api/jobs` and below."""
    from voxshelf.endpoints import jobs as function

    return function.handle(request)


@functions_framework.http
def runpod_webhook(request: flask.Request) -> flask.Response:
    """Take RunPod's word that a job has ended, and look: `POST /api/runpod/webhook/...`."""
    from voxshelf.endpoints import runpod_webhook as function

    return function.handle(request)


@functions_framework.http
def reconcile(request: flask.Request) -> flask.Response:
    """Finish or undo what a crash left behind; called by Cloud Scheduler."""
    from voxshelf.endpoints import reconcile as function

    return function.handle(request)
