from whence.levels.judge import Cuts, judge
from whence.levels.lift import lifts_of
from whence.levels.verdict import Evidence, verdicts
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
