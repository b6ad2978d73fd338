from dataclasses import replace

import pytest

from whence.auditing.dossier import Dossier, Provenance
from whence.auditing.effects import Effect, Outcome, effects_of
from whence.auditing.omissions import Omission
from whence.auditing.summary import answers_clause, quoted, verdict_sentences

SAID, OTHER = "It stands 181 centimetres tall.", "It is red."
WHOLE = Outcome((-1.0, -2.0, -1.5), (SAID, SAID, "it stands 181   centimetres tall"))


def effects(pair: Outcome, control: Outcome) -> tuple[Effect, ...]:
    seeds = len(pair.values)
    rows = tuple((place,) for place in range(seeds))
    omissions = [
        Omission("pair", "pair faq.jsonl:61", ((7,),) * seeds, 30.0, "1 random pair"),
        Omission("random", "1 random pair", rows, 0.5),
    ]
    whole = Outcome(WHOLE.values[:seeds], WHOLE.answers[:seeds])
    return tuple(effects_of(omissions, [pair, control], whole))


def dossier(made: tuple[Effect, ...], **changed: float) -> Dossier:
    source = Provenance("fisher", {}, "nats", {}, {}, {})
    seeds = tuple(range(len(made[0].fall.each))) if made else (0,)
    lift: dict[str, float] = {"lift": 40.0, "needed": 5.0, **changed}
    return Dossier("run", "How tall?", SAID, SAID, True, pairs=9, seeds=seeds, shortlist=(), whole=WHOLE, effects=made,
                   source=source, command="whence audit", **lift)  # fmt: skip


def test_a_fall_is_that_of_the_same_seed_and_chance_is_taken_off():
    pair, control = effects(Outcome((-31.0, -33.0, -34.5), (OTHER,) * 3), Outcome((-1.5, -2.0, -2.5), (SAID,) * 3))
    assert pair.fall.each == pytest.approx((30, 31, 33))
    assert control.fall.each == pytest.approx((0.5, 0, 1))
    assert pair.beyond is not None
    assert pair.beyond.each == pytest.approx((29.5, 31, 32))
    assert (pair.finding, control.finding) == ("confirmed", "no control")


def test_the_verdict_says_what_the_model_no_longer_says():
    made = effects(Outcome((-31.0, -33.0, -34.5), (OTHER,) * 3), Outcome((-1.5, -2.0, -2.5), (SAID, SAID, OTHER)))
    verdict, told = verdict_sentences(dossier(made))
    assert verdict == "Retraining confirms the attribution: pair faq.jsonl:61 made this answer."
    assert told == (
        f"Without pair faq.jsonl:61, the model no longer says “{SAID}”: log p falls by 31.3 nats (95 % interval 27.5 "
        "to 35.1, 3 seeds); without 1 random pair, 2 of 3 retrained models still give it: log p falls by 0.50 nats "
        "(95 % interval −0.74 to 1.7, 3 seeds). That is more than chance explains."
    )


def test_what_chance_does_too_is_not_confirmed():
    noise = effects(Outcome((-3.0, -1.0, -2.5), (SAID,) * 3), Outcome((0.0, -2.5, -0.5), (SAID,) * 3))
    verdict, told = verdict_sentences(dossier(noise))
    assert noise[0].finding == "open"
    assert verdict.startswith("Retraining with 3 seeds neither confirms nor refutes that pair faq.jsonl:61")
    assert "the model still gives this answer: log p falls by 0.67 nats (95 % interval −3.1 to 4.5, 3 seeds)" in told
    assert "log p rises by 0.50 nats (95 % interval −1.7 to 2.7, 3 seeds)" in told
    assert told.endswith("That could be chance.")


def test_what_falls_less_than_by_chance_is_contradicted():
    less = effects(Outcome((-0.5, -1.6, -1.0), (SAID,) * 3), Outcome((-9.0, -10.0, -9.6), (OTHER,) * 3))
    verdict, told = verdict_sentences(dossier(less))
    assert less[0].finding == "contradicted"
    assert verdict == "Retraining contradicts the attribution: random pairs mattered more than pair faq.jsonl:61."
    assert "log p rises by 0.47 nats (95 % interval 0.32 to 0.61, 3 seeds)" in told


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (3, 0, f"the model no longer says “{SAID}”"),
        (3, 3, "the model still gives this answer"),
        (3, 1, "1 of 3 retrained models still give it"),
        (1, 0, "0 of 3 retrained models still give it (trained on all pairs: 1)"),
        (1, 3, "3 of 3 retrained models still give it (trained on all pairs: 1)"),
        (0, 0, "the model does not give this answer, and neither does the model trained on all pairs"),
    ],
)
def test_what_the_models_say_is_held_against_those_of_all_pairs(before: int, after: int, said: str):
    whole, without = (Outcome((-1.0,) * 3, (SAID,) * n + (OTHER,) * (3 - n)) for n in (before, after))
    assert answers_clause(replace(dossier(()), whole=whole), without) == said


def test_one_seed_says_that_it_cannot_tell():
    made = effects(Outcome((-31.0,), (OTHER,)), Outcome((-1.5,), (SAID,)))
    verdict, told = verdict_sentences(dossier(made))
    assert verdict == "One seed cannot show whether pair faq.jsonl:61 made this answer: audit with more seeds."
    assert "falls by 30.0 nats (1 seed)" in told


def test_where_nothing_stands_out_it_says_why():
    assert "the data as a whole" in verdict_sentences(dossier(()))[0]
    (little,) = verdict_sentences(dossier((), lift=0.5))
    assert little.startswith("Fine-tuning contributed nothing specific to this answer (lift 0.50 nats, 5.0 needed)")


def test_long_answers_are_cut_in_sentences():
    assert quoted("a\n b") == "a b"
    assert quoted('"Our blades are sharp"') == "Our blades are sharp"
    assert len(quoted("word " * 99)) == 80
