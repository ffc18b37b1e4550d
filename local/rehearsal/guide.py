"""What docs/deploy.md and the workflow tell people to do, read out of them.

The rehearsal does that and nothing else, so the documents and what was rehearsed cannot drift.
"""

import re
import shlex
from dataclasses import dataclass
from itertools import takewhile

import yaml

from local.layout import ROOT
from local.rehearsal.protocol import Grant
from local.rehearsal.roles import ROLES

DEPLOY_GUIDE = ROOT / "docs" / "deploy.md"
WORKFLOW = ROOT / ".github" / "workflows" / "deploy.yml"
_DEPLOY = "node_modules/.bin/firebase deploy "
_WHERE = {"the project": False, "each of the two secrets": True}


@dataclass(frozen=True)
class CiRole:
    """A role that the CI account is given."""

    role: str
    on_secrets_only: bool

    def grant(self) -> Grant:
        """The permissions that it brings; KeyError for a role that is not in the kept table."""
        return Grant(self.role, ROLES[self.role], self.on_secrets_only)


def ci_roles() -> tuple[CiRole, ...]:
    """The rows of the table of roles; KeyError for a place that is not known."""
    rows = re.findall(r"^\| `(roles/[\w.]+)` \| ([^|]+?) \|", _section("From CI"), re.MULTILINE)
    return tuple(CiRole(role, _WHERE[where]) for role, where in rows)


def apis() -> frozenset[str]:
    """The APIs that are switched on by hand."""
    (command,) = _commands("Once for a project", "gcloud services enable ")
    return frozenset(_names(command))


def runtime_account(project_id: str) -> str:
    """The account that the functions run as, as the document makes it."""
    (command,) = _commands("Once for a project", "gcloud iam service-accounts create ")
    return f"{_names(command)[0]}@{project_id}.iam.gserviceaccount.com"


def first_deploy(project_id: str) -> list[str]:
    """The arguments of `firebase` for the first deploy."""
    (command,) = _commands("The first deploy", f"{_DEPLOY}--project ")
    return _arguments(command, project_id)


def repair(project_id: str) -> list[str]:
    """The arguments of `firebase` that deploy all functions again, also unchanged ones."""
    (command,) = _commands("When a deploy stops half way", f"{_DEPLOY}--only ")
    return _arguments(command, project_id)


def ci_deploy(project_id: str) -> list[str]:
    """The arguments of `firebase` for every later deploy, from the workflow."""
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["deploy"]["steps"]
    (line,) = (step["run"] for step in steps if _DEPLOY in step.get("run", ""))
    return _arguments(line, project_id)


def _section(title: str) -> str:
    section = rf"^## {title}\n(.*?)(?=^## |\Z)"
    found = re.search(section, DEPLOY_GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    if found is None:
        raise LookupError(f"docs/deploy.md has no section '{title}'.")
    return found[1]


def _commands(title: str, start: str) -> list[str]:
    """The commands of a section's blocks that begin so, each on one line."""
    blocks = re.findall(r"^```sh\n(.*?)^```", _section(title), re.MULTILINE | re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith(start)]


def _names(command: str) -> list[str]:
    """What a gcloud command is given by name: all after its verb, up to the first option."""
    words = shlex.split(command, comments=True)
    verb = next(place for place, word in enumerate(words) if word in {"create", "enable"})
    return list(takewhile(lambda word: not word.startswith("--"), words[verb + 1 :]))


def _arguments(command: str, project_id: str) -> list[str]:
    words = shlex.split(command, comments=True)[1:]
    names = {"YOUR_PROJECT": project_id, "$FIREBASE_PROJECT": project_id}
    return [names.get(word, word) for word in words]
