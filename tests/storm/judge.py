"""What must hold when the storm is over: everything that is stored, against what was answered."""

import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import unquote

from tests.chaos.job_clients import ENDED
from tests.chaos.lab import LEASE_S
from tests.chaos.stored import DELETING, View
from tests.chaos.violation import Violation
from tests.storm.attacks import outlast_leases
from tests.storm.edits import without_host
from tests.storm.fleet import Fleet
from tests.storm.library import SPEECHES, VOICES, Library, Unlike
from tests.storm.moving import Export
from tests.storm.reading import Listing, Usage
from tests.storm.record import Record
from tests.storm.saving import Saving
from tests.storm.user import User
from tests.storm.worlds import NEVER

_JOBS_END_WITHIN_S = 120.0
# Longer than a job may be without an id (`core.jobs.START_LIFETIME`).
_PAST = dt.timedelta(minutes=30)
_REPLAYS = 40


class Judge:
    """Holds a fleet's stack against the models of its users."""

    def __init__(
        self, fleet: Fleet, record: Record, outlast: Callable[[], None] = outlast_leases
    ) -> None:
        """`outlast` waits until no lease holds."""
        self._fleet, self._record, self._outlast = fleet, record, outlast

    def judge(self, users: Sequence[User]) -> None:
        """Calm everything, and compare it."""
        self._fleet.is_calm = True
        self._end_jobs()
        for _ in range(2):
            self._outlast()
            self._reconcile()
        view = self._fleet.lab.checker.look()
        self._blame(stored_violations(self._fleet, view))
        self._record.check("documents", len(view.records))
        self._record.check("objects", len(view.objects))
        for user in users:
            if not user.failed:
                user.worlds.outlived(2 * NEVER)
                self._of(user, view)
        for wrong in dict.fromkeys(self._fleet.wrong):
            self._record.blame("5xx", wrong)

    def _reconcile(self) -> None:
        answer = self._fleet.reconcile_sound(deep=True)
        found = {name: answer.body.get(name) for name in ("failed", "missing")}
        if answer.status != 200 or any(found.values()):
            self._record.blame("reconcile", f"{answer} {found}")
        if answer.body.get("miscounted"):
            # It has mended them by now, so nothing else would show.
            self._record.blame("counters", f"reconcile has mended {answer.body['miscounted']}")

    def _end_jobs(self) -> None:
        """Let the schedule settle what nobody asks for any more."""
        for job in self._fleet.runpod.control("calls")["jobs"]:
            if job["status"] in {"IN_QUEUE", "IN_PROGRESS", "RUNNING"}:
                self._fleet.stop_at_runpod(job["endpoint"], job["id"])
        deadline = time.monotonic() + _JOBS_END_WITHIN_S
        while time.monotonic() < deadline:
            active = [one for one in self._jobs() if one.get("state") not in ENDED]
            if not active:
                return
            time.sleep(1)
            now = dt.datetime.now(dt.UTC)
            for job in active:
                older = {"due_at": now - dt.timedelta(seconds=1)}
                older |= {} if job.get("runpod_job_id") else {"created_at": now - _PAST}
                job.reference.update(older)
            self._fleet.call(None, "reconcile", "POST", "/", json={"deep": False})
        states = [(one.id, one.get("state")) for one in self._jobs()]
        left = [f"{job} is {state}" for job, state in states if state not in ENDED]
        self._blame(Violation("jobs", text) for text in left)

    def _jobs(self) -> list:
        return list(self._fleet.lab.client.collection_group("jobs").stream())

    def _of(self, user: User, view: View) -> None:
        person = user.person
        lists = [Listing(0, person, kind, {"page_size": 100}) for kind in (VOICES, SPEECHES)]
        answers = [one.send(self._fleet) for one in lists]
        looks = [(one, answer) for one, answer in zip(lists, answers, strict=True)]
        looks += [(one, one.send(self._fleet)) for one in (Usage(0, person), Export(0, person))]
        for operation, answer in looks:
            try:
                user.worlds.heard([(operation, answer)], lost=(), now=0)
            except Unlike as error:
                user.blame(f"in the end: {operation}", error)
                return
            self._record.check(f"users' {type(operation).__name__.lower()}")
        bodies = [body for answer in answers for body in answer.body["items"]]
        self._blame(self._addresses(user, bodies, view))
        problems = [list(hidden(library, view, person.uid)) for library in user.worlds.possible()]
        if all(problems):
            self._blame(Violation("model", f"user {user.number}: {p}") for p in problems[0])
        self._replays(user)

    def _addresses(self, user: User, bodies: Sequence[dict], view: View) -> Iterator[Violation]:
        alive = set()
        for body in bodies:
            files = [body.get(name) for name in ("sample", "profile", "audio")]
            for file in filter(None, files):
                url = without_host(file["url"])
                alive.add(url)
                played = self._fleet.fetch(url)
                if played.status != 200 or digest(played.content) != file["sha256"]:
                    yield Violation("address", f"{file['path']} plays {played.status}")
        self._record.check("addresses that play", len(alive))
        needed = {
            file["path"]
            for one in view.records
            if one.uid == user.person.uid
            for file in one.needed_files(view.now)
        }
        ended = {url for url in user.urls - alive if path_of(url) not in needed}
        for url in ended:
            status = self._fleet.fetch(url).status
            if status not in (403, 404):
                yield Violation("address", f"{path_of(url)} is gone, and plays {status}")
        self._record.check("addresses that are gone", len(ended))

    def _replays(self, user: User) -> None:
        """Send again what has a key: the first answer comes, without what was withdrawn."""
        keyed = [one for one in user.dice.saved if one.key and one.first]
        for save in keyed[-_REPLAYS:]:
            answer = save.send(self._fleet)
            try:
                user.worlds.heard([(save, answer)], lost=(), now=0)
                if answer.is_done:
                    expect_first(save, answer.body[save.body_name])
            except Unlike as error:
                user.blame(f"in the end: {save}", error)
                return
            self._record.check("keys")

    def _blame(self, violations: Iterable[Violation]) -> None:
        for violation in violations:
            self._record.blame(violation.invariant, violation.text)


def stored_violations(fleet: Fleet, view: View) -> list[Violation]:
    """Return what is wrong with documents, counters and objects, whoever has done what."""
    checker = fleet.lab.checker
    left = {path for path in view.leftovers if not path.startswith("uploads/")}
    return [
        *checker.always(view),
        *checker.settled(replace(view, objects=_without_uploads(view)), LEASE_S),
        *(Violation("objects", f"{path} is left over") for path in sorted(left)),
    ]


def _without_uploads(view: View) -> frozenset[str]:
    return frozenset(path for path in view.objects if not path.startswith("uploads/"))


def hidden(library: Library, view: View, uid: str) -> Iterator[str]:
    """Yield how trash and barred voices differ from a library that lists agree with."""
    for kind in (VOICES, SPEECHES):
        mine = {one: trashed for (k, one), trashed in library.trash.items() if k == kind}
        documents = view.of(uid, kind)
        there = {r.item_id: r for r in documents if r.fields.get("status") == DELETING}
        known = {one for one in mine if not one.startswith("?")}
        unknown = {trashed.facts["audio"] for one, trashed in mine.items() if one.startswith("?")}
        others = [one for one in there if one not in known]
        surplus = [one for one in others if there[one].state.audio not in unknown]
        if surplus or known - set(there) or len(others) != len(unknown):
            more = f"{sorted(known)} and {len(unknown)} more"
            yield f"{kind} in the trash: {more}, not {sorted(there)}"
        for item_id in known & set(there):
            if there[item_id].state.audio != mine[item_id].facts["audio"]:
                yield f"{item_id} in the trash has other audio"
    barred = {r.item_id for r in view.of(uid, VOICES) if r.fields.get("withdrawn")}
    if barred != set(library.barred):
        yield f"{sorted(library.barred)} are barred, not {sorted(barred)}"


def expect_first(save: Saving, body: dict) -> None:
    """Raise Unlike unless a key's answer is the first one."""
    # They go on after the first answer was given.
    living = ("generation_count",)
    first = {n: value for n, value in bare(save.first or {}).items() if n not in living}
    body = bare(body)
    found = [name for name, value in first.items() if body.get(name) != value]
    if found:
        told = {name: (first[name], body.get(name)) for name in found}
        raise Unlike(f"its first answer was another: {str(told)[:600]}")


def bare(body: dict) -> dict:
    """Return an item without the hosts in its addresses."""
    found: dict = json.loads(without_host(json.dumps(body)))
    return found


def digest(content: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def path_of(url: str) -> str:
    """Return the object's path in an address."""
    return unquote(url.split("/o/", 1)[1].split("?", 1)[0])
