"""Answers of Firebase Hosting."""

import gzip

from local.rehearsal.project import NUMBER, CloudProject
from local.rehearsal.protocol import Json, Request, missing

UPLOAD_HOST = "upload-firebasehosting.googleapis.com"


def site(state: CloudProject, request: Request) -> Json:
    """The project's one site."""
    if request.names["site"] != state.project_id:
        raise missing(request.path)
    return {"name": _site(state), "defaultUrl": f"https://{state.project_id}.web.app"}


def create_version(state: CloudProject, request: Request) -> Json:
    """Begin a version."""
    name = f"{_site(state)}/versions/{state.number()}"
    state.hosting_versions[name] = {**request.json(), "name": name, "files": {}}
    return state.hosting_versions[name]


def populate_files(state: CloudProject, request: Request) -> Json:
    """Note a version's files by hash; answer those whose bytes are not here yet."""
    name = f"{_site(state)}/versions/{request.names['version']}"
    files: dict[str, str] = request.json()["files"]
    state.hosting_versions[name]["files"] |= files
    return {
        "uploadRequiredHashes": sorted(set(files.values()) - set(state.hosting_files)),
        "uploadUrl": f"https://{UPLOAD_HOST}/upload/sites/{state.project_id}/versions/"
        f"{request.names['version']}/files",
    }


def upload_file(state: CloudProject, request: Request) -> Json:
    """Keep a file, which comes packed, by the hash of its packed bytes."""
    state.hosting_files[request.names["hash"]] = gzip.decompress(request.body)
    return {}


def finalize_version(state: CloudProject, request: Request) -> Json:
    """Give a version its configuration; it changes no more."""
    name = f"{_site(state)}/versions/{request.names['version']}"
    state.hosting_versions[name] |= request.json()
    return state.hosting_versions[name]


def create_release(state: CloudProject, request: Request) -> Json:
    """Make a version live."""
    state.hosting_releases.append(request.query["versionName"])
    return {"name": f"{_site(state)}/channels/live/releases/{state.number()}"}


def _site(state: CloudProject) -> str:
    return f"projects/{NUMBER}/sites/{state.project_id}"
