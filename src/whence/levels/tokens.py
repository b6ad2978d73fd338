"""A training pair's influence on an answer, token by token of the pair."""

from whence.data.token_text import answer_token_texts
from whence.levels.verdict import Evidence
from whence.methods.token_scores import by_token
from whence.types import Query, TokenInfluence, TokenScore


def token_influence_of(evidence: Evidence, row: int, query: Query, instead: Query | None = None) -> TokenInfluence:
    """The contribution of each answer token of training example `row` to the query's answer, or to the contrast with
    the answer of `instead`.

    Raises:
        MethodError: the method scores whole pairs only, or an answer is empty.
        ArtifactError: the index did not store what token scores need.
    """
    subject, method = evidence.subject, by_token(evidence.method)
    asked = [query, instead] if instead else [query]
    found = method.token_scores(subject, evidence.folder, asked, row)
    scores = found[0] - found[1] if instead else found[0]
    example = subject.examples[row]
    pieces = answer_token_texts(subject.examples.tokens(row), subject.trajectory.tokenizer)
    return TokenInfluence(
        id=example.id,
        file_id=example.file_id,
        file=example.file,
        line=example.line,
        method=evidence.method.name,
        unit=evidence.method.unit,
        tokens=tuple(TokenScore(text, float(part)) for text, part in zip(pieces, scores, strict=True)),
    )
