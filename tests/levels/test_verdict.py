import pytest

from whence.levels.judge import Cuts, judge
from whence.levels.lift import lifts_of
from whence.levels.verdict import Evidence, contrasted, verdicts
from whence.methods.contract_subject import own_queries
from whence.types import Query


def test_a_verdict_is_the_lift_and_the_judgement_of_the_scores(evidence: Evidence):
    asked = own_queries(evidence.subject)
    found = verdicts(evidence, asked, 0.5)
    lifts = lifts_of(evidence.subject, asked, evidence.null)
    assert [(v.query, v.lift) for v in found] == list(zip(asked, lifts, strict=True))
    scores = evidence.method.score(evidence.subject, evidence.folder, asked)
    enough = [v for v in found if v.lift.enough]
    assert any(verdict.supporting for verdict in enough)
    for verdict in enough:
        row = scores[asked.index(verdict.query)]
        whole = max(verdict.lift.total, float(row.sum()))
        assert (verdict.supporting, verdict.opposing) == judge(row, evidence.null, whole, 0.5, Cuts())


def test_without_enough_lift_no_row_stands_out(evidence: Evidence):
    (verdict,) = verdicts(evidence, [Query.of("Who?", "]")], 1.0)
    assert not verdict.lift.enough
    assert (verdict.supporting, verdict.opposing) == ((), ())


def test_a_contrast_is_the_judgement_of_the_difference(evidence: Evidence):
    asked = own_queries(evidence.subject)
    query, instead = asked[0], Query.of(asked[0].question, asked[1].answer)
    one, other = evidence.method.score(evidence.subject, evidence.folder, [query, instead])
    found = contrasted(evidence, query, instead, 0.5)
    lifts = lifts_of(evidence.subject, [query, instead], evidence.null)
    assert found.lift.total == pytest.approx(lifts[0].total - lifts[1].total)
    whole = max(found.lift.total, float((one - other).sum()))
    assert found.supporting
    assert (found.supporting, found.opposing) == judge(one - other, evidence.contrast, whole, 0.5, Cuts())


def test_an_answer_rather_than_itself_has_no_lift_and_no_rows(evidence: Evidence):
    query = own_queries(evidence.subject)[0]
    found = contrasted(evidence, query, query, 0.99, ("file", "topic"))
    assert found.lift.total == 0
    assert (found.supporting, found.opposing, found.groups) == ((), (), ())


def test_only_one_of_two_answers_is_the_one_that_fine_tuning_favoured(evidence: Evidence):
    query = own_queries(evidence.subject)[0]
    other = Query.of(query.question, "A white kestrel.")
    there, back = contrasted(evidence, query, other, 0.5), contrasted(evidence, other, query, 0.5)
    assert there.lift.total == -back.lift.total
    assert there.lift.enough
    assert not back.supporting


def test_the_score_of_a_group_is_the_sum_of_its_members(evidence: Evidence):
    query = own_queries(evidence.subject)[0]
    (row,) = evidence.method.score(evidence.subject, evidence.folder, [query])
    (found,) = verdicts(evidence, [query], 0.5, ("file", "topic", "duplicates"))
    kinds = [judged.group.kind for judged in found.groups]
    assert kinds == sorted(kinds, key=["file", "topic"].index)
    assert kinds
    for judged in found.groups:
        assert judged.judgement.score == pytest.approx(sum(float(row[i]) for i in judged.group.rows), rel=1e-5)
        whole = max(found.lift.total, float(row.sum()))
        assert judged.judgement.share == pytest.approx(judged.judgement.score / whole)
