"""What a scenario may write about a desk, and what is told about one that cannot work."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from sim.core.clock import Day, day_number
from sim.lenders.desk_terms import KINDS, Desk, Team


def desk(teams: dict[str, Any], **rest: Any) -> Desk:
    return Desk.model_validate({"teams": teams, "work": {"review": {}, "site_visit": {}}} | rest)


def on(year: int, month: int, day: int) -> Day:
    when = date(year, month, day)
    return Day(0, when, day_number(when))


def test_a_desk_that_can_do_its_work_has_no_problem() -> None:
    assert desk({"house": {"staff": 2}}).problems(["review"]) == []
    assert Desk().problems() == []


@pytest.mark.parametrize("teams", [{}, {"house": {"staff": 0}}, {"house": {"skills": ["review"]}}])
def test_work_that_nobody_can_do_is_told_by_name(teams: dict[str, Any]) -> None:
    told = [str(one) for one in desk(teams).problems()]
    said = "work.site_visit: is work that no team with staff has the skill for; give a team staff and the skill"
    assert told[-1] == said
    assert len(told) == (1 if "skills" in str(teams) else 2)


def test_work_that_is_asked_for_must_be_there() -> None:
    (one,) = desk({"house": {}}).problems(["review", "negotiation"])
    assert str(one) == "work.negotiation: is asked for and not described; described: review, site_visit"


def test_a_bot_answers_what_is_there_and_may_settle_it_alone() -> None:
    (one,) = desk({"house": {}}, bot={"kinds": ["call"]}).problems()
    assert str(one) == "bot.kinds: call is no work of this desk; described: review, site_visit"
    assert desk({}, bot={"kinds": ["review", "site_visit"], "settles": 1}).problems() == []
    assert len(desk({}, bot={"kinds": ["review", "site_visit"], "settles": 0.99}).problems()) == 2


def test_shifts_and_skills_that_make_no_sense_are_told() -> None:
    teams = {"a": {"begins": 18, "ends": 9}, "b": {"ends": 23, "overtime": 2}, "c": {"skills": []}}
    assert [str(one) for one in desk(teams).problems()] == [
        "teams.a.ends: 9 is not after its beginning at 18; allowed: a later hour",
        "teams.b.overtime: 2 hours after 23 lie beyond midnight; allowed: 0 to 1",
        f"teams.c.skills: name nothing, so that the team can do no work; allowed: {', '.join(KINDS)}",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"teams": {"house": {"staff": -1}}},
        {"teams": {"house": {"begins": 25}}},
        {"teams": {"house": {"cost_per_hour": 50}}},
        {"teams": {"house": {"skills": ["review", "review"]}}},
        {"work": {"cooking": {}}},
        {"work": {"call": {"minutes": 0}}},
        {"bot": {"settles": 1.2}},
        {"mode": "fast"},
    ],
)
def test_what_no_desk_can_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Desk.model_validate(wrong)


def test_a_desk_is_written_back_as_it_was_read() -> None:
    one = desk({"house": {"staff": 2, "cost_per_hour": "12.5 yuan", "overtime": 1.5}}, bot={"kinds": ["review"]})
    assert Desk.model_validate(one.model_dump(mode="json")) == one


def test_a_team_is_off_on_weekends_and_holidays() -> None:
    team = Team()
    assert team.is_at_work(on(2012, 3, 5))
    for off in (on(2012, 3, 3), on(2012, 3, 4), on(2012, 1, 23), on(2012, 10, 1)):  # Spring Festival, National Day
        assert not team.is_at_work(off)
        assert team.shift(off).staff == 0
        assert Team(works_on="every_day").shift(off).staff == 1


def test_a_shift_is_in_minutes_and_ends_with_the_day() -> None:
    shift = Team(staff=3, begins=8.5, ends=17, overtime=2, skills=("call", "review")).shift(on(2012, 3, 5))
    assert (shift.staff, shift.begins, shift.ends, shift.latest, shift.skills) == (3, 510, 1020, 1140, (2, 0))
    assert not shift.is_round_the_clock
    assert Team(begins=0, ends=24, overtime=5).shift(on(2012, 3, 5)).latest == 1440
    assert Team(begins=0, ends=24).shift(on(2012, 3, 5)).is_round_the_clock
