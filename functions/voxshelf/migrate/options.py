"""The command line."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from voxshelf.migrate import acknowledged
from voxshelf.migrate.identity import Account

TOKEN_VARIABLE = "VOXSHELF_ID_TOKEN"  # noqa: S105  # a variable's name
DEFAULT_URL = "http://127.0.0.1:5000"


@dataclass(frozen=True, slots=True)
class Options:
    """What to send where, and as whom: a token or an account, neither in a dry run."""

    folder: Path
    url: str
    state: Path
    owner: str | None
    storage_url: str | None
    identity: str | Account | None


def read_options(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Read the command line; a mistake in it ends the process with code 2."""
    parser = _parser()
    given = parser.parse_args(arguments)
    identity: str | Account | None = given.token or environ.get(TOKEN_VARIABLE) or None
    if given.email:
        password = environ.get(given.password_env)
        if not password:
            parser.error(f"--email: the password is to be in the variable {given.password_env}")
        if not given.api_key and not given.auth_emulator:
            parser.error("--email: give the project's web API key as --api-key")
        # The emulator wants a key and takes any.
        key = given.api_key or "demo"
        identity = Account(given.email, password, key, given.auth_emulator)
    if identity is None and not given.dry_run:
        parser.error(f"sign in: an ID token in {TOKEN_VARIABLE} or --token, or --email")
    url = _site_url(given.url)
    if url is None:
        parser.error(f"--url: {given.url!r} is no address of a site")
    state = given.state or given.folder / acknowledged.NAME
    return Options(
        given.folder,
        url,
        state,
        given.owner,
        given.storage_url,
        None if given.dry_run else identity,
    )


def _site_url(text: str) -> str | None:
    """Return the address without `/api` and slashes at its end, or None when it is none."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return None
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        return None
    return text.rstrip("/").removesuffix("/api").rstrip("/")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m voxshelf.migrate",
        description="Save the folder of an old local installation through the API. "
        "It can be interrupted and run again; nothing in the folder is changed but the note "
        "of what was sent.",
        epilog="Exit codes: 0 everything was sent, 1 something was not, 2 the command is "
        "wrong, 130 interrupted.",
    )
    parser.add_argument("folder", type=Path, help="holds voice_samples, voice_profiles, ...")
    parser.add_argument("--dry-run", action="store_true", help="print the plan, send nothing")
    parser.add_argument("--url", default=DEFAULT_URL, help="the site (default: %(default)s)")
    parser.add_argument("--token", help=f"an ID token; better in {TOKEN_VARIABLE}")
    parser.add_argument("--email", help="sign in with a password instead")
    parser.add_argument(
        "--password-env",
        metavar="NAME",
        default="VOXSHELF_PASSWORD",
        help="the variable that holds it (default: %(default)s)",
    )
    parser.add_argument("--api-key", help="the web API key of the Firebase project")
    parser.add_argument("--auth-emulator", metavar="HOST:PORT", help="sign in there")
    parser.add_argument("--owner", metavar="UID", help="take this user's folders only")
    parser.add_argument("--state", type=Path, help="the note, when not in the folder")
    parser.add_argument(
        "--storage-url",
        metavar="URL",
        help="where large files are uploaded, as https://firebasestorage.googleapis.com/v0/b/"
        "BUCKET/o; found out from a saved file when not given",
    )
    return parser
