"""One scenario in progress: its project, its checkout, and what came of it."""

import copy
from dataclasses import dataclass, field
from pathlib import Path

from local.rehearsal import guide
from local.rehearsal.checkout import make_checkout
from local.rehearsal.declared import Declared
from local.rehearsal.differences import differences
from local.rehearsal.firebase_cli import Run, run_firebase
from local.rehearsal.project import DEFAULT_ACCOUNT, CloudProject
from local.rehearsal.protocol import Caller
from local.rehearsal.stand_in import Call, StandIn

PROJECT_ID = "voxshelf-rehearsal"
# Other values than the defaults, so that it shows whether they arrive.
SETTINGS = "# Of the rehearsal.\nMAX_VOICES=7\nALLOWED_ORIGINS=https://app.example\n"
SECRETS = ("PAGE_TOKEN_KEY", "RUNPOD_API_KEY")
OWNER = Caller(f"owner@{PROJECT_ID}.iam.gserviceaccount.com")


def ci_caller(*, without: str | None = None) -> Caller:
    """The CI account with the roles that docs/deploy.md names, `without` one of them."""
    grants = tuple(role.grant() for role in guide.ci_roles() if role.role != without)
    return Caller(f"deploy@{PROJECT_ID}.iam.gserviceaccount.com", grants)


def prepared_project() -> CloudProject:
    """A project before its first deploy, with every API off that can be, as the guide has it."""
    name = f"projects/{PROJECT_ID}/databases/(default)"
    return CloudProject(
        PROJECT_ID,
        service_accounts={
            guide.runtime_account(PROJECT_ID),
            DEFAULT_ACCOUNT,
        },
        secrets=set(SECRETS),
        bucket=f"{PROJECT_ID}.firebasestorage.app",
        database={"name": name, "databaseEdition": "STANDARD"},
    )


@dataclass
class Stage:
    """What a scenario works with. `problems` says in sentences what was not as it should be."""

    scratch: Path
    project: CloudProject
    checkout: Path = field(init=False)
    runs: list[Run] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the checkout, and a copy of the project that is this scenario's own."""
        self.project = copy.deepcopy(self.project)
        self.checkout = make_checkout(self.scratch / "checkout", PROJECT_ID, SETTINGS)

    def deploy(self, arguments: list[str], caller: Caller = OWNER) -> tuple[Run, list[Call]]:
        """Run `firebase` with these arguments; gives also the calls that it made.

        Whatever the scenario is about: a call that is in no row of the table, a question and a
        connection to anywhere else are problems.
        """
        stand_in = StandIn(self.project, caller)
        run = run_firebase(
            arguments, self.checkout, stand_in, self.scratch / f"run-{len(self.runs)}"
        )
        self.runs.append(run)
        self.calls += stand_in.calls
        unknown = [
            f"in no row of the table: {call}" for call in stand_in.calls if call.lacking is None
        ]
        asked = [f"asked: {question}" for question in run.questions]
        foreign = [f"tried to reach {host}" for host in run.foreign_hosts]
        self.problems += unknown + asked + foreign
        return run, stand_in.calls

    def expect(self, holds: bool, text: str) -> None:
        """Note a problem unless it holds."""
        if not holds:
            output = self.runs[-1].output.strip()[-1500:] if self.runs else ""
            self.problems.append(f"{text}\n{output}")

    @property
    def declared(self) -> Declared:
        """What the checkout declares."""
        return Declared(self.checkout, PROJECT_ID, guide.runtime_account(PROJECT_ID))

    def expect_declared(self) -> None:
        """Hold the project to what the checkout declares."""
        self.problems += differences(self.project, self.declared)

    def expect_nothing_released(self, before: CloudProject) -> None:
        """Nothing that a user could notice may have changed; APIs may be on now."""
        for name in ("functions", "releases", "indexes", "fields", "jobs", "bindings"):
            self.expect(getattr(self.project, name) == getattr(before, name), f"{name} changed")
        self.expect(
            self.project.hosting_releases == before.hosting_releases, "Hosting was released"
        )

    @property
    def questions(self) -> int:
        """How often somebody was asked."""
        return sum(len(run.questions) for run in self.runs)
