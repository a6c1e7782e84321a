"""Bounds of a call, and what its end proves about a submission."""

from __future__ import annotations

import threading
import time

import pytest

from hybrid_assets.errors import PermanentProviderError, TransientProviderError
from hybrid_assets.providers._ibm_calls import Call, bounded, current_call, without_past


def test_a_call_returns_or_raises_what_its_work_does():
    assert bounded(Call(deadline_s=30), lambda: 7, name="work") == 7

    def refuse():
        raise PermanentProviderError("no")

    with pytest.raises(PermanentProviderError, match="no"):
        bounded(Call(deadline_s=30), refuse, name="work")


def test_work_that_does_not_end_is_given_up_and_may_then_send_nothing():
    call, release, ends = Call(deadline_s=0.05, leave_s=60), threading.Event(), []

    def work():
        release.wait(30)
        for send in (current_call().require_wanted, current_call().leave):
            try:
                send()
            except TransientProviderError:
                ends.append("stopped")
        ends.append("end")

    began_s = time.monotonic()
    with pytest.raises(TransientProviderError, match="deadline"):
        bounded(call, work, name="slow work")
    assert time.monotonic() - began_s < 10
    release.set()
    for thread in threading.enumerate():
        if thread.name == "ibm slow work":
            thread.join(30)
    assert (ends, call.has_posted, call.is_given_up) == (["stopped", "stopped", "end"], False, True)


def test_a_post_leaves_within_its_window_only():
    Call(deadline_s=60, leave_s=60).leave()
    for late in (Call(deadline_s=60, leave_s=-1), Call(deadline_s=60)):
        time.sleep(0.001)  # the window of 0 s is over
        with pytest.raises(TransientProviderError, match="not sent"):
            late.leave()
        assert not late.has_posted


def test_a_post_that_reached_nobody_has_not_left():
    call = Call(deadline_s=60, leave_s=60)
    call.leave()
    assert call.has_posted
    call.stay()
    assert not call.has_posted


def test_a_request_outside_of_any_call_is_refused():
    with pytest.raises(TransientProviderError, match="outside"):
        current_call()


def test_an_error_loses_the_frames_that_may_hold_a_secret():
    error = TransientProviderError("ours")
    error.__cause__ = error.__context__ = ValueError("vendor")
    with pytest.raises(TransientProviderError) as caught:
        raise error
    assert caught.value.__traceback__ is not None
    clean = without_past(caught.value)
    assert (clean.__cause__, clean.__context__, clean.__traceback__) == (None, None, None)
