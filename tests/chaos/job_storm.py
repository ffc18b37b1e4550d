"""Jobs with every fault of RunPod's drawn at random, and functions killed in between.

Times of the schedule are minutes; documents of jobs are made older instead of waiting for them.
"""

import contextlib
import datetime as dt
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from google.api_core.exceptions import GoogleAPIError

from local.runpod.plan import CHANCES
from tests.chaos import faults
from tests.chaos.experiment import Experiment, Result, begun
from tests.chaos.faults import EVER
from tests.chaos.job_checks import Judgement, leaks, without_kept
from tests.chaos.job_clients import ENDED, Browser, Habits, recorded
from tests.chaos.job_lab import MAX_ACTIVE_JOBS, JobLab
from tests.chaos.lab import LEASE_S, Lab
from tests.chaos.violation import Violation

_CHANCE = 0.07
# Forty megabytes each, which the stand-in sends with every answer about the job.
_CHANCE_OF_HUGE = 0.015
# What is not in the stand-in's own dice: an address that must not be fetched, a worker that hangs.
_RARE = ({"output": "audio_url"}, {"end": "stuck"})
_SHARE_OF_CLONES = 0.25
_BROWSERS = 16
# Each group is attacked on its own, one of it after another.
_SETTLING = ("runpod_webhook", "runpod_webhook", "reconcile")
_STARTING = ("jobs", "voices_clone", "tts_generate")
_BOUNDARIES = (faults.COMMIT, faults.COMMIT, faults.READ, faults.UPLOAD)
_KILL_WITHIN_S = 2.0
_SHARE_OF_OUTAGES, _OUTAGE_S = 0.4, 0.7
# Longer than a job may be without an id (`core.jobs.START_LIFETIME`).
_PAST = dt.timedelta(minutes=30)
# No webhook comes any more by then, with all its retries.
_FORGOTTEN_AFTER_S = 12.0
# Longer than RunPod waits before it calls once more.
_QUIET_S = 2.5
_ENDS_WITHIN_S = 90.0


def storm(lab: Lab, count: int, seed: int) -> Iterable[Result]:
    """Run so many jobs of several users; each ends with exactly one item, or with a reason."""
    with begun(lab, f"jobs: storm of {count}, seed {seed}") as experiment, JobLab(lab) as site:
        run = Storm(site, experiment, random.Random(seed))
        run.blow(count, seed)
        run.calm()
        run.judge()
    return experiment.results


class Storm:
    """One storm: browsers, a schedule, and somebody who kills functions."""

    def __init__(self, site: JobLab, experiment: Experiment, dice: random.Random) -> None:
        self.site, self._experiment, self._dice = site, experiment, dice
        self.browsers: list[Browser] = []
        self._over = threading.Event()
        # Since when each job is known, as this clock tells it.
        self._known_since: dict[str, float] = {}

    def blow(self, count: int, seed: int) -> None:
        """Let all browsers live, until the last has done what it does."""
        people = [self.site.speaker() for _ in range(max(3, count // 25))]
        sample = recorded()
        for number in range(count):
            person, voice_id = people[number % len(people)]
            kind = "clone" if self._dice.random() < _SHARE_OF_CLONES else "speech"
            label, habits = f"Number {number} of {seed}", Habits.drawn(self._dice)
            browser = Browser(self.site, person, voice_id, kind, label, sample, habits)
            self.browsers.append(browser)
        chances = {**dict.fromkeys(CHANCES, _CHANCE), "huge": _CHANCE_OF_HUGE}
        plan = {"seed": seed, "chance": chances, "queue": list(_RARE)}
        self.site.runpod.control("faults", plan)
        others = [
            threading.Thread(target=self._attack, args=(_SETTLING,)),
            threading.Thread(target=self._attack, args=(_STARTING,)),
            threading.Thread(target=self._schedule),
        ]
        for other in others:
            other.start()
        try:
            with ThreadPoolExecutor(_BROWSERS) as pool:
                list(pool.map(Browser.live, self.browsers))
        finally:
            self._over.set()
            for other in others:
                other.join()

    def _attack(self, targets: tuple[str, ...]) -> None:
        """Kill one function after another between two of its steps, or keep it from writing."""
        answers = self._experiment.result.answers
        while not self._over.wait(self._dice.uniform(0.1, 0.6)):
            victim = self.site.instances[self._dice.choice(targets)]
            if self._dice.random() < _SHARE_OF_OUTAGES:
                # One alone is met by one step of a save, and the steps after it are not.
                times, arriving = self._dice.choice((1, 1, 2, EVER)), self._dice.random() < 0.5
                number = self._dice.randint(1, 3)
                victim.lose_commits(number, times, arriving=arriving, for_s=_OUTAGE_S)
                answers["outages of Firestore"] += 1
                continue
            came = victim.die_at(
                self._dice.choice(_BOUNDARIES),
                self._dice.randint(1, 6),
                answered=self._dice.random() < 0.5,
                within_s=_KILL_WITHIN_S,
            )
            answers["killed at a boundary" if came else "killed at any moment"] += 1

    def _schedule(self) -> None:
        """Reconcile again and again, and watch the limits meanwhile."""
        while not self._over.wait(2.0):
            self._make_due()
            self.site.reconcile()
            self._watch_limits()

    def _watch_limits(self) -> None:
        for account in self.site.lab.client.collection("users").stream():
            active = (account.to_dict() or {}).get("jobs", {}).get("active", 0)
            if not 0 <= active <= MAX_ACTIVE_JOBS:
                self._blame("counters", f"{account.id} has {active} jobs at once")

    def _make_due(self, *, past: bool = False) -> None:
        """Make the documents of jobs older, as if their time had come."""
        now, leases = dt.datetime.now(dt.UTC), self.site.leases()
        for snapshot in self.site.jobs():
            job = snapshot.to_dict()
            if not job["active"] or ((until := leases.get(job["job_id"])) and until > now):
                continue
            older: dict[str, Any] = {"due_at": now - dt.timedelta(seconds=1)}
            since = self._known_since.setdefault(snapshot.id, time.monotonic())
            forgotten = past or time.monotonic() > since + _FORGOTTEN_AFTER_S
            if job["runpod_job_id"] is None and forgotten:
                older["created_at"] = now - _PAST
            unchanged = self.site.lab.client.write_option(last_update_time=snapshot.update_time)
            # Whatever has happened to it meanwhile is newer than this.
            with contextlib.suppress(GoogleAPIError):
                snapshot.reference.update(older, option=unchanged)

    def calm(self) -> None:
        """Let the schedule settle what nobody asks for any more."""
        self._quiet_webhooks()
        self._operator_stops_what_hangs()
        deadline = time.monotonic() + _ENDS_WITHIN_S
        while time.monotonic() < deadline:
            self._make_due(past=True)
            outcome = self.site.reconcile()
            if outcome.status != 200:
                self._blame("I7", f"reconcile failed, without any kill around it: {outcome}")
            if all(job.get("state") in ENDED for job in self.site.jobs()):
                return
            time.sleep(0.5)

    def _quiet_webhooks(self) -> None:
        """Wait until RunPod has made its last try of each webhook."""
        count, since = -1, time.monotonic()
        while time.monotonic() < since + _QUIET_S:
            now = len(self.site.journal()["webhooks"])
            if now != count:
                count, since = now, time.monotonic()
            time.sleep(0.5)

    def _operator_stops_what_hangs(self) -> None:
        for job in self.site.journal()["jobs"]:
            if job["status"] in {"IN_QUEUE", "IN_PROGRESS", "RUNNING"}:
                self.site.stop(job["endpoint"], job["id"])

    def judge(self) -> None:
        """Hold everything against what is there in the end."""
        lab, result = self.site.lab, self._experiment.result
        for browser in self.browsers:
            result.answers += browser.answers
            self._experiment.blame(browser.wrong)
        if lab.checker.look().unsettled:
            time.sleep(LEASE_S + 0.5)
        self._experiment.reconciled()
        view = without_kept(lab.checker.look())
        self._experiment.blame(lab.checker.always(view))
        self._experiment.blame(lab.checker.settled(view, LEASE_S))
        result.orphans_after += len(view.leftovers)
        result.notes += [f"left over: {path}" for path in sorted(view.leftovers)]
        jobs = self.site.jobs()
        result.runs = len(self.browsers)
        result.answers += Counter(f"job {job.get('state')}" for job in jobs)
        judged = Judgement(self.site, jobs, view)
        self._experiment.blame(judged.all(self.browsers))
        result.answers += judged.counts
        for leak in leaks(self.site):
            self._blame("I5", leak)

    def _blame(self, invariant: str, text: str) -> None:
        self._experiment.blame([Violation(invariant, text)])
