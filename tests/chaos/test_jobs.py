"""Jobs on RunPod, against the real functions in processes of their own."""

import pytest

from tests.chaos import job_storm
from tests.chaos.report import table

pytestmark = [pytest.mark.emulator, pytest.mark.slow]


def test_jobs_in_a_storm_end_with_one_item_or_a_reason(lab):
    results = list(job_storm.storm(lab, count=24, seed=5))
    print(table(results), results[0].answers)
    assert not any(result.failed for result in results), f"\n{table(results)}"
