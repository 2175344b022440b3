from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.checkpoint import Checkpoint, advance, announce, first_checkpoint, resend_settled
from cwarchive.core.window import Window
from cwarchive.errors import CoverageError
from tests.builders import a_checkpoint


@st.composite
def checkpoints(draw: st.DrawFn) -> Checkpoint:
    since, verified, mark, committed = sorted(draw(st.tuples(*[st.integers(0, 1_000)] * 4)))
    return Checkpoint(since=since, mark=mark, verified=verified, committed=committed)


windows = st.tuples(st.integers(0, 1_000), st.integers(1, 500)).map(lambda drawn: Window(drawn[0], drawn[0] + drawn[1]))


@pytest.mark.parametrize(
    ("since", "verified", "mark", "committed"),
    [(2, 1, 3, 4), (1, 3, 2, 4), (1, 2, 4, 3)],
    ids=["since", "mark", "committed"],
)
def test_marks_out_of_order_are_refused(since: int, verified: int, mark: int, committed: int) -> None:
    with pytest.raises(CoverageError, match="marks out of order"):
        Checkpoint(since=since, mark=mark, verified=verified, committed=committed)


def test_a_series_met_for_the_first_time_has_everything_before_it() -> None:
    assert first_checkpoint(7_200) == Checkpoint(since=7_200, mark=7_200, verified=7_200, committed=7_200)


def test_a_delivered_window_moves_the_mark_to_its_end() -> None:
    assert advance(a_checkpoint(1_000, since=0), Window(900, 1_060)) == a_checkpoint(1_060, since=0, verified=1_000)


def test_a_window_that_begins_after_the_mark_is_refused() -> None:
    with pytest.raises(CoverageError, match="window starts at 1001, but nothing after 1000 is archived"):
        advance(a_checkpoint(1_000), Window(1_001, 1_060))


def test_a_delivered_window_leaves_what_was_announced_beyond_it() -> None:
    assert advance(a_checkpoint(1_000, committed=2_000), Window(1_000, 1_060)).committed == 2_000


def test_an_announced_window_moves_neither_mark() -> None:
    assert announce(a_checkpoint(1_000), Window(1_000, 1_060)) == a_checkpoint(1_000, committed=1_060)


@given(checkpoints(), windows)
def test_a_mark_never_moves_back_and_what_is_announced_neither(checkpoint: Checkpoint, covered: Window) -> None:
    try:
        moved = advance(checkpoint, covered)
    except CoverageError:
        assert covered.start > checkpoint.mark
        return

    assert moved.mark == max(checkpoint.mark, covered.end)
    assert moved.committed == max(checkpoint.committed, covered.end)
    assert (moved.since, moved.verified) == (checkpoint.since, checkpoint.verified)
    assert announce(checkpoint, covered).committed == moved.committed


@given(checkpoints(), windows)
def test_delivering_a_window_twice_changes_nothing(checkpoint: Checkpoint, covered: Window) -> None:
    start = min(covered.start, checkpoint.mark)
    once = advance(checkpoint, Window(start, covered.end) if start < covered.end else covered)

    assert advance(once, Window(start, max(start + 1, covered.end))) == once


def test_what_lay_before_the_mark_counts_as_sent_again_once_the_mark_has_moved() -> None:
    moved = a_checkpoint(2_000, verified=500)

    assert resend_settled(moved, mark_before=1_000).verified == 1_000


def test_a_pass_that_moved_no_mark_proves_nothing() -> None:
    unmoved = a_checkpoint(1_000, verified=500)

    assert resend_settled(unmoved, mark_before=1_000) == unmoved


def test_the_re_sent_mark_never_moves_back() -> None:
    assert resend_settled(a_checkpoint(2_000, verified=1_500), mark_before=1_000).verified == 1_500


def test_over_what_is_lost_the_re_sent_mark_moves_at_once() -> None:
    moved = a_checkpoint(2_000, verified=500)

    assert resend_settled(moved, 1_000, [Window(1_000, 1_200), Window(1_200, 1_300)]).verified == 1_300


def test_the_re_sent_mark_does_not_jump_to_what_is_lost_further_on() -> None:
    moved = a_checkpoint(2_000, verified=500)

    assert resend_settled(moved, 1_000, [Window(1_001, 1_200)]).verified == 1_000


@given(checkpoints(), st.integers(0, 1_000), st.lists(windows, max_size=4).map(sorted))
def test_the_re_sent_mark_stays_between_itself_and_the_mark(
    checkpoint: Checkpoint, mark_before: int, lost: list[Window]
) -> None:
    assert checkpoint.verified <= resend_settled(checkpoint, mark_before, lost).verified <= checkpoint.mark
