"""The short set of mutations; `python -m tests.hardening.fuzz` runs the long one."""

from tests.hardening.fuzz import SEED, run
from tests.hardening.mutations import case


def test_a_case_is_the_same_each_time():
    assert case(SEED, 7) == case(SEED, 7)
    assert case(SEED, 7) != case(SEED, 8)


def test_no_mutation_is_a_fault_of_ours_or_slow():
    findings = run(case(SEED, number) for number in range(300))
    assert findings.faults == [], str(findings)
    # Both refusals of every kind and good answers must be among them, or little was tested.
    assert {201, 400, 415, 422} <= findings.statuses.keys()
    assert findings.worker_growth_bytes < 20_000_000
