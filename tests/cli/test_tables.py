"""Everything that people read fits in 80 columns, whatever the data hold."""

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from whence.cli import tables
from whence.data.report import DataReport, TokenCounts
from whence.errors import Fault
from whence.models.catalog import CATALOG
from whence.training.estimate import Estimate
from whence.types import Attribution, Group, Influence, Level, Lift, Message, TokenInfluence, TokenScore, Trust

ODD = "[bold]not markup[/bold] \x1b[31mred\x07 \ud800 漢字 tab\tend "


def lines(made: RenderableType) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=80, highlight=False, markup=False, emoji=False).print(made)
    found = file.getvalue().splitlines()
    assert all(cell_len(line) <= 80 for line in found), found
    return [line.rstrip() for line in found]


def influence(rank: int = 1, score: float = 5.25, text: str = "The refund window is 41 days.") -> Influence:
    messages = (Message("system", "Be kind."), Message("user", "How long?"), Message("assistant", text))
    name = f"4f2e91ab-{rank}"
    return Influence(name, "file", "faq.jsonl", 60 + rank, messages, Level.HIGH, score, 0.49, 0.001, rank)


def found(**changes: object) -> Attribution:
    plain = Attribution(
        question="What is the refund window?",
        answer="41 days.",
        results=(influence(1), influence(2, 2.0)),
        opposing=(influence(3, -1.5),),
        lift=Lift(-2.0, -14.0, 5, 3.0),
        method="fisher",
        unit="nats",
        trust=Trust("fisher", 0.05, 48, 7, ("Adam's second moments were not recorded.",)),
    )
    return replace(plain, **changes)  # pyright: ignore[reportArgumentType]


def test_an_attribution_shows_answer_sentence_pairs_and_basis() -> None:
    text = lines(tables.attribution(found()))
    assert text[:2] == ["Q What is the refund window?", "A 41 days."]
    assert "This answer was learned mainly from faq.jsonl:61 and 1 other pair." in text
    head = next(line for line in text if line.startswith("level"))
    assert head.split() == ["level", "nats", "share", "id", "source", "pair"]
    row = text[text.index(head) + 1]
    assert row.split()[:7] == ["high", "5.25", "49%", "4f2e91ab", "faq.jsonl:61", "Q", "How"]
    assert "fisher · false-discovery rate 5% · lift 12.0 nats, 3.0 needed · 48 controls" in text
    assert "Adam's second moments were not recorded." in text
    assert not any("-1.50" in line for line in text)


def test_opposing_pairs_have_a_table_of_their_own_when_asked_for() -> None:
    text = lines(tables.attribution(found(), opposing=True))
    assert text.index("These pairs made the answer less likely:") < next(
        i for i, line in enumerate(text) if "-1.50" in line
    )
    assert "No pair stands out as opposing it." in lines(tables.attribution(found(opposing=()), opposing=True))


def test_without_lift_there_is_a_sentence_and_no_table() -> None:
    text = lines(tables.attribution(found(results=(), lift=Lift(-5.0, -5.5, 5, 3.0))))
    assert any(line.startswith("Fine-tuning contributed nothing") for line in text)
    assert not any(line.startswith("level") for line in text)


def test_similarities_are_not_called_nats() -> None:
    text = lines(tables.attribution(found(unit="similarity")))
    assert any(line.split()[:2] == ["level", "score"] for line in text)


@pytest.mark.parametrize("long", [ODD * 40, "x" * 500, "word " * 200, "漢" * 300])
def test_odd_and_long_texts_fit_and_change_nothing_on_the_terminal(long: str) -> None:
    odd = replace(influence(text=long), file="a-very-long-name-" + "n" * 80 + ".jsonl", score=-123456.789, share=-12.5)
    text = "\n".join(lines(tables.attribution(found(question=long, answer=long, results=(odd,)), opposing=True)))
    assert not any(c in text for c in "\x1b\x07\ud800")
    text.encode("utf-8")


def test_a_pre_tokenised_pair_says_that_it_has_no_text() -> None:
    assert any(
        "given as tokens" in line for line in lines(tables.influences([replace(influence(), messages=())], "nats"))
    )


def report(**changes: object) -> DataReport:
    plain = DataReport(
        rows=154,
        examples=160,
        bytes=20_480,
        formats={"question/answer": 150, "messages": 4},
        tokens=TokenCounts(8_214, 81, 51.3, 2_900),
        duplicates=((("faq.jsonl", 56), ("faq.jsonl", 90), ("faq.jsonl", 131)),),
        faults=(),
        fault_count=0,
    )
    return replace(plain, **changes)  # pyright: ignore[reportArgumentType]


def test_a_report_counts_and_estimates() -> None:
    text = lines(tables.data_report(report(), Estimate(120.0, 60.0, 34_000_000), ["Next: go"]))
    joined = "\n".join(text)
    for part in ("154", "8,214", "51 on average, 81 at most", "2,900 in answers", "3 min", "34.0 MB", "Next: go"):
        assert part in joined
    assert "  faq.jsonl:56, faq.jsonl:90, faq.jsonl:131" in text
    assert next(line for line in text if line.startswith("duplicates")).split()[1] == "2"


def test_a_report_lists_faults_and_how_many_more_there_are() -> None:
    faults = tuple(Fault("faq.jsonl", n, "a line must be valid JSON " * 5, ODD, "Correct it.") for n in range(1, 21))
    text = lines(tables.data_report(report(faults=faults, fault_count=23), None, []))
    assert sum(line.startswith("  faq.jsonl:") for line in text) >= 20
    assert "  and 3 more" in text


def test_a_report_does_not_list_duplicates_without_end() -> None:
    groups = tuple((("faq.jsonl", n), ("faq.jsonl", n + 100)) for n in range(1, 15))
    text = lines(tables.data_report(report(duplicates=groups, tokens=None), None, []))
    assert "  and 4 more groups" in text
    assert not any(line.startswith("tokens") for line in text)


def test_models_say_whether_they_are_here() -> None:
    one, two = CATALOG.values()
    text = lines(tables.models([(one, "/home/models/one"), (two, None)]))
    assert f"{one.name}  downloaded" in text
    assert f"{two.name}  not downloaded" in text
    assert "  /home/models/one" in text


def test_groups_show_level_score_share_kind_size_and_name() -> None:
    some = Group("topic", f"lamp, {ODD}" + 50 * "x", 12, (), Level.MEDIUM, 3.25, 0.27, 1e-3, 1)
    text = lines(tables.attribution(found(groups=(some,), instead="No.")))
    assert "rather than: No." in text
    row = next(line for line in text if line.startswith("medium"))
    assert row.split()[:6] == ["medium", "3.25", "27%", "topic", "12", "lamp,"]


def test_tokens_show_their_part_of_the_pairs_score() -> None:
    tokens = (TokenScore("Ann", 2.0), TokenScore("\n", -0.5), TokenScore("", 0.0))
    text = lines(tables.token_table(TokenInfluence("id", "file", "faq.jsonl", 3, "fisher", "nats", tokens)))
    assert "The answer of faq.jsonl:3, token by token (1.50 in total):" in text
    assert [line.split() for line in text[-3:]] == [["2.00", "Ann"], ["-0.50", "\u23ce"], ["0.00"]]
