"""What is said of what lasts: when it begins, then daily, and when it ends."""

from __future__ import annotations

import pytest

from cwarchive.core.conditions import WEEK, Condition, Remembered, Telling, telling
from cwarchive.core.retention import DAY, HOUR

BEGAN = 1_700_000_000
BEGAN_TEXT = "2023-11-14T22:13:20Z"
DOWN = Condition("graphite", "Graphite is down")


def remembered(told: int = BEGAN, key: str = "graphite", sentence: str = "Graphite is down") -> Remembered:
    return Remembered(key, sentence, BEGAN, told)


def before(*known: Remembered) -> dict[str, Remembered]:
    return {one.key: one for one in known}


def test_a_condition_is_told_when_it_begins() -> None:
    assert telling({}, [DOWN], BEGAN) == Telling((("graphite", "Graphite is down"),), (remembered(),))


def test_the_kind_of_a_condition_is_what_its_key_begins_with() -> None:
    told = telling({}, [Condition("waiting:us-east-1:throttled", "3 series wait")], BEGAN)

    assert told.sentences == (("waiting", "3 series wait"),)
    assert [known.key for known in told.remembered] == ["waiting:us-east-1:throttled"]


@pytest.mark.parametrize("later", [0, HOUR, DAY - 1])
def test_an_unchanged_condition_is_not_told_again_within_a_day(later: int) -> None:
    assert telling(before(remembered()), [DOWN], BEGAN + later) == Telling((), (remembered(),))


def test_a_condition_that_lasts_is_told_daily_with_when_it_began() -> None:
    first = telling(before(remembered()), [DOWN], BEGAN + DAY)
    second = telling(before(*first.remembered), [DOWN], BEGAN + 2 * DAY - 1)
    third = telling(before(*first.remembered), [DOWN], BEGAN + 2 * DAY)

    assert first == Telling((("graphite", f"Graphite is down (since {BEGAN_TEXT})"),), (remembered(told=BEGAN + DAY),))
    assert second.sentences == ()
    assert third.remembered == (remembered(told=BEGAN + 2 * DAY),)


def test_a_condition_may_be_told_less_often() -> None:
    weekly = Condition("gaps", "2 gaps", every=WEEK)
    known = before(remembered(key="gaps", sentence="2 gaps"))

    assert telling(known, [weekly], BEGAN + WEEK - 1).sentences == ()
    assert telling(known, [weekly], BEGAN + WEEK).sentences == (("gaps", f"2 gaps (since {BEGAN_TEXT})"),)


def test_a_condition_whose_figures_change_is_the_same_condition() -> None:
    changed = Condition("graphite", "Graphite is down for 3 h")

    soon, later = (telling(before(remembered()), [changed], BEGAN + after) for after in (HOUR, DAY))

    assert soon == Telling((), (remembered(),))
    assert later == Telling(
        (("graphite", f"Graphite is down for 3 h (since {BEGAN_TEXT})"),),
        (remembered(told=BEGAN + DAY, sentence="Graphite is down for 3 h"),),
    )


def test_a_condition_that_ends_is_told_once_in_the_words_in_which_it_was_told() -> None:
    ended = telling(before(remembered()), [], BEGAN)

    assert ended == Telling((("over", f"over since {BEGAN_TEXT}: Graphite is down"),), ())
    assert telling(before(*ended.remembered), [], BEGAN + HOUR) == Telling((), ())


def test_a_run_that_cannot_judge_ends_nothing_and_still_tells_what_it_met() -> None:
    late = Condition("late", "2 series are late")

    told = telling(before(remembered()), [late], BEGAN, judged=False)

    assert told.sentences == (("late", "2 series are late"),)
    assert told.remembered == (remembered(key="late", sentence="2 series are late"), remembered())


def test_a_person_is_told_everything_and_cron_is_not_told_it_again() -> None:
    told = telling(before(remembered()), [DOWN], BEGAN + HOUR, always=True)

    assert told == Telling((("graphite", f"Graphite is down (since {BEGAN_TEXT})"),), (remembered(told=BEGAN + HOUR),))
    assert telling(before(*told.remembered), [DOWN], BEGAN + DAY).sentences == ()


def test_a_condition_that_was_told_by_a_clock_that_was_ahead_is_told_again() -> None:
    told = telling(before(remembered(told=BEGAN + 300 * DAY)), [DOWN], BEGAN + HOUR)

    assert told.sentences == (("graphite", f"Graphite is down (since {BEGAN_TEXT})"),)
    assert told.remembered == (remembered(told=BEGAN + HOUR),)


def test_a_condition_that_comes_back_begins_anew() -> None:
    ended = telling(before(remembered()), [], BEGAN + HOUR)

    again = telling(before(*ended.remembered), [DOWN], BEGAN + 2 * HOUR)

    assert again.remembered == (Remembered("graphite", "Graphite is down", BEGAN + 2 * HOUR, BEGAN + 2 * HOUR),)


def test_conditions_are_told_in_their_order_then_what_ended() -> None:
    present = [Condition("b", "b"), Condition("a", "a")]
    known = before(remembered(key="z", sentence="z"), remembered(key="y", sentence="y"))

    told = telling(known, present, BEGAN)

    assert [sentence for _, sentence in told.sentences] == [
        "b",
        "a",
        f"over since {BEGAN_TEXT}: z",
        f"over since {BEGAN_TEXT}: y",
    ]


def test_something_new_in_a_condition_that_lasts_is_told_at_once() -> None:
    joined = Condition("gap:lost:1:2", "a gap in 2 series", WEEK, fresh=True)

    found = telling(before(remembered(key="gap:lost:1:2")), [joined], BEGAN + 600)

    assert found.sentences == (("gap", f"a gap in 2 series (since {BEGAN_TEXT})"),)


def test_a_condition_that_this_pass_could_not_see_is_not_over() -> None:
    known = remembered(key="unmatched:a")

    found = telling(before(known), [], BEGAN + 600, unseen=lambda key: key == "unmatched:a")

    assert found == Telling((), (known,))


def test_a_gap_that_somebody_acknowledged_is_no_longer_spoken_of() -> None:
    assert telling(before(remembered(key="gap:lost:1:2")), [], BEGAN + 600) == Telling((), ())
