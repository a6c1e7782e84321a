"""A worker killed by SIGKILL between its POST and the record of the job, on a service whose listing lags by 5 s.

The service takes no idempotency key: a submission that is repeated is a second, paid job, and the book says so.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hybrid_assets.runner.executing import execute_kernels
from hybrid_assets_tests.acceptance.emulated import (
    BACKEND,
    WORKLOAD,
    Workers,
    open_project,
    published_rows,
)
from hybrid_assets_tests.acceptance.killing import BOUNDARIES, MARKER, Kill, work
from hybrid_assets_tests.acceptance.loopback_nights import differences, loopback, point_at, prepare_night, token_env
from hybrid_assets_tests.acceptance.projects import NIGHT
from hybrid_assets_tests.acceptance.test_kill import LOST_STATUS
from hybrid_assets_tests.loopback import Fault

LAG_S = 5.0
WITHIN_S = 90.0
ROUNDS = 50
#: Repetitions at once: they mostly wait for the listing.
AT_ONCE = 8
BOUNDARY = "after_submit"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare_night(tmp_path_factory.mktemp("prepared"))


def be_a_worker(folder, variable, token, kill):
    """Finish the night of a project, or die on the way."""
    os.environ[variable] = token
    work(folder, kill, WITHIN_S)


def killed_and_continued(prepared, folder, number):
    """Kill a worker after its first or second POST; return what is wrong when another one has gone on."""
    moments = len(BOUNDARIES[BOUNDARY])
    kill = Kill(boundary=BOUNDARY, moment=number % moments, nth=1 + number // moments % 2)
    with loopback(listing_lag_s=LAG_S) as service, Workers() as workers:
        shutil.copytree(prepared, folder)
        point_at(folder, service)
        secret = (token_env(service), service.token)
        victim = workers.start(be_a_worker, folder, *secret, kill)
        while not (folder / MARKER).exists() and victim.is_alive():
            time.sleep(0.01)
        workers.start(be_a_worker, folder, *secret, None)
        codes = workers.exit_codes(within_s=WITHIN_S)
        was_killed = (folder / MARKER).exists() and codes[0] in {-signal.SIGKILL, LOST_STATUS}
        wrong = [] if was_killed and codes[1] in {0, LOST_STATUS} else [f"the processes ended with {codes}"]
        project = open_project(folder)
        wrong += [*differences(project, service), *published_rows(project)]
        project.close()
    return [f"round {number}, {kill}: {sentence}" for sentence in wrong]


def repeated(prepared, folder, rounds):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(killed_and_continued, prepared, folder / str(n), n) for n in range(rounds)]
    return [sentence for one in running for sentence in one.result()]


def test_a_job_whose_worker_died_before_recording_it_is_adopted(prepared, tmp_path):
    assert repeated(prepared, tmp_path, 2) == []


@pytest.mark.slow
def test_it_is_adopted_and_not_bought_again_in_50_of_50(prepared, tmp_path):
    assert repeated(prepared, tmp_path, ROUNDS) == []


def test_a_recalibration_between_submission_and_run_is_flagged_in_the_rows(prepared, tmp_path):
    with loopback() as service:
        folder = tmp_path / "night"
        shutil.copytree(prepared, folder)
        point_at(folder, service, deadline_s=60.0)
        fault = service.inject(Fault(where="post_job", what="recalibrated", skip=1, factor=1.01))
        project = open_project(folder)
        while execute_kernels(project, night=NIGHT, workload=WORKLOAD, backend=BACKEND).pending:
            pass  # it waits for the jobs; their audits, a minute later, are another matter
        assert fault.happened == 1
        rows = project.warehouse.read_rows("quantum_results", night=NIGHT, workload=WORKLOAD, backend=BACKEND)
        project.close()
    flagged = {row["kernel_id"] for row in rows if row["calibration_changed"]}
    changed = {row["kernel_id"] for row in rows if row["executed_calibration_id"] != rows[0]["basis_calibration_id"]}
    assert flagged == changed
    assert len(flagged) in {2, 4}  # the first job may have run after the second one's POST
