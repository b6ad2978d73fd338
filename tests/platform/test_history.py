"""Attributions that are kept, and the pairs that recur in them."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from random import Random

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.platform.attributions import job_of, keep, pair, result
from whence.errors import MissingError
from whence.platform import history
from whence.platform.database import Database
from whence.platform.keys import default_team
from whence.platform.tables import InfluenceRecord, Team
from whence.types import Level

LEVELS = (Level.LOW, Level.MEDIUM, Level.HIGH)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.session() as session:
        yield session


@pytest.fixture
def others(session: Session) -> int:
    """Another team."""
    team = Team(name="others")
    session.add(team)
    session.flush()
    return team.id


def test_what_is_kept_comes_back_whole_to_its_team_only(session: Session, others: int):
    said = result(pair(1))
    (kept,) = keep(session, said)
    team = default_team(session)
    whole = history.whole(history.get_attribution(session, team, kept))
    assert said.items() <= whole.items()
    assert (whole["id"], whole["object"], whole["model"]) == (kept, "attribution", "m")
    with pytest.raises(MissingError, match="No attribution"):
        history.get_attribution(session, others, kept)
    with pytest.raises(MissingError):
        history.delete_attribution(session, others, kept)


def test_a_list_is_the_newest_first_page_by_page_and_by_model(session: Session, others: int):
    first = keep(session, *(result(question=f"{n}?") for n in range(5)))
    second = keep(session, result(), model="n")
    keep(session, result(), team=others)
    team = default_team(session)
    pages = [history.list_attributions(session, team, None, 2, offset) for offset in (0, 2, 4)]
    assert [kept.id for page, _ in pages for kept in page] == [*second, *reversed(first)]
    assert {total for _, total in pages} == {6}
    found, total = history.list_attributions(session, team, "n", 10, 0)
    assert ([kept.id for kept in found], total) == (second, 1)
    assert [kept.id for kept in history.every_attribution(session, team, "m")] == first[::-1]


def test_a_job_has_the_answers_of_all_its_deployments(session: Session):
    first = keep(session, result(pair(1)), model="deployment-1")
    team = default_team(session)
    job = history.get_attribution(session, team, first[0]).job_id
    second = [history.record(session, team, "deployment-2", job, result(pair(1))).id]
    session.flush()
    ids = [kept.id for kept in history.list_attributions(session, team, job, 9, 0)[0]]
    assert ids == [*second, *first]
    assert [one.attribution.id for one in history.answers_of(session, team, "pair-1", job, 9, 0)[0]] == ids
    assert [one.count for one in history.recurring(session, team, job, None, 9, 0)[0]] == [2]
    assert [kept.id for kept in history.list_attributions(session, team, "deployment-1", 9, 0)[0]] == first


def test_a_row_of_the_list_shows_how_many_pairs_and_the_highest_level(session: Session):
    keep(session, result(pair(1, Level.LOW), pair(2, Level.HIGH), pair(3, Level.MEDIUM), total=7.25), result())
    silent, spoken = (
        history.brief(kept) for kept in history.list_attributions(session, default_team(session), None, 9, 0)[0]
    )
    assert (spoken["pairs"], spoken["top_level"], spoken["lift_total"]) == (3, "high", 7.25)
    assert (silent["pairs"], silent["top_level"]) == (0, None)


def test_recurring_pairs_are_those_that_a_plain_count_gives(session: Session, others: int):
    draw = Random(7)
    shares, ranks = defaultdict[str, list[float]](list), Counter[str]()
    for _ in range(40):
        chosen = [pair(n, draw.choice(LEVELS), draw.random()) for n in draw.sample(range(12), draw.randrange(5))]
        keep(session, result(*chosen))
        for one in chosen:
            shares[one.id].append(one.share)
            ranks[one.id] = max(ranks[one.id], LEVELS.index(one.level))
    keep(session, result(pair(99)), team=others)
    means = {name: sum(own) / len(own) for name, own in shares.items()}
    expected = sorted(shares, key=lambda name: (-len(shares[name]), -means[name], name))
    found, total = history.recurring(session, default_team(session), None, None, 1000, 0)
    assert [one.pair_id for one in found] == expected
    assert total == len(expected)
    assert [(one.count, LEVELS.index(Level(one.level))) for one in found] == [
        (len(shares[name]), ranks[name]) for name in expected
    ]
    assert [one.share for one in found] == pytest.approx([means[name] for name in expected])
    page, total = history.recurring(session, default_team(session), None, None, 4, 3)
    assert ([one.pair_id for one in page], total) == (expected[3:7], len(expected))


def test_recurring_pairs_can_be_those_of_one_model_or_level(session: Session):
    keep(session, result(pair(1, Level.LOW)), result(pair(1, Level.HIGH), pair(2, Level.LOW)))
    keep(session, result(pair(3, Level.HIGH)), model="n")
    team = default_team(session)

    def found(model: str | None, level: str | None) -> list[tuple[str, int]]:
        return [(one.pair_id, one.count) for one in history.recurring(session, team, model, level, 9, 0)[0]]

    assert found("m", None) == [("pair-1", 2), ("pair-2", 1)]
    assert found("m", "high") == [("pair-1", 1)]
    assert found("n", None) == [("pair-3", 1)]
    assert found(None, "medium") == []


def test_a_deleted_attribution_counts_no_longer(session: Session):
    first, second = keep(session, result(pair(1), pair(2)), result(pair(1)))
    team = default_team(session)
    history.delete_attribution(session, team, first)
    session.flush()
    found, _ = history.recurring(session, team, None, None, 9, 0)
    assert [(one.pair_id, one.count) for one in found] == [("pair-1", 1)]
    assert session.scalar(select(func.count()).select_from(InfluenceRecord)) == 1
    assert [kept.id for kept in history.list_attributions(session, team, None, 9, 0)[0]] == [second]


def test_a_pair_that_is_returned_twice_in_one_attribution_counts_once(session: Session):
    twice = result(pair(1, Level.LOW), pair(1, Level.HIGH))
    history.record(session, default_team(session), "m", job_of(session, default_team(session)), twice)
    session.flush()
    (found,) = history.recurring(session, default_team(session), None, None, 9, 0)[0]
    assert found.count == 1


def test_a_pair_knows_the_answers_that_it_had_a_part_in(session: Session, others: int):
    both = result(pair(1, Level.LOW, 0.1), pair(2), opposing=(pair(1, Level.HIGH, 0.9), pair(3)))
    first = keep(session, result(pair(1, Level.HIGH, 0.6)), both, result(pair(2), opposing=(pair(1, share=0.2),)))
    second = keep(session, result(pair(1)), model="n")
    keep(session, result(pair(1)), team=others)
    team = default_team(session)

    def told(model: str | None, limit: int = 9, offset: int = 0) -> list[tuple[str, str, str, float, float, int]]:
        found, total = history.answers_of(session, team, "pair-1", model, limit, offset)
        assert total == (4 if model is None else 3)
        return [(one.attribution.id, one.side, one.level, one.score, one.share, one.rank) for one in found]

    every = [
        (second[0], "supporting", "high", 1.25, 0.5, 1),
        (first[2], "opposing", "high", 0.5, 0.2, 1),
        (first[1], "supporting", "low", 0.25, 0.1, 1),
        (first[0], "supporting", "high", 1.5, 0.6, 1),
    ]
    assert told(None) == every
    assert told("m") == every[1:]
    assert told(None, 2, 1) == every[1:3]
    assert history.answers_of(session, team, "pair-9", None, 9, 0) == ([], 0)


def test_a_pair_that_opposed_an_answer_does_not_recur_in_it(session: Session):
    keep(session, result(pair(1), opposing=(pair(2),)), result(pair(1)))
    found, total = history.recurring(session, default_team(session), None, None, 9, 0)
    assert ([(one.pair_id, one.count) for one in found], total) == ([("pair-1", 2)], 1)


def test_the_latest_job_that_a_pair_was_returned_for_is_the_teams_own(session: Session, others: int):
    keep(session, result(pair(1)))
    (latest,) = keep(session, result(opposing=(pair(1),)), model="n")
    keep(session, result(pair(1)), team=others)
    team = default_team(session)
    assert history.latest_job_of(session, team, "pair-1") == history.get_attribution(session, team, latest).job_id
    assert history.latest_job_of(session, team, "pair-2") is None
