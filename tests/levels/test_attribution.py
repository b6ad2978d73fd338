from dataclasses import replace

from whence.levels.attribution import attribution_of, trust_in
from whence.levels.verdict import Evidence, verdicts
from whence.methods.contract_subject import own_queries
from whence.types import Recall


def test_an_attribution_names_the_rows_of_its_verdict(evidence: Evidence):
    asked = [replace(query, selected=(0, len(query.answer))) for query in own_queries(evidence.subject)]
    trust = trust_in(evidence, 0.5, Recall(3, 4))
    assert (trust.false_discovery_rate, trust.controls, trust.checkpoints, trust.recall) == (0.5, 12, 3, Recall(3, 4))
    verdict = max(verdicts(evidence, asked, 0.5), key=lambda v: len(v.supporting))
    assert verdict.supporting
    found = attribution_of(evidence, verdict, trust, top=1)
    first, row = found.results[0], verdict.supporting[0]
    assert (first.id, first.score, first.rank) == (evidence.subject.examples[row.row].id, row.score, 1)
    assert len(found.results) == 1
    assert (found.answer, found.selection) == (verdict.query.answer, verdict.query.selected)
    assert found.trust == trust
