"""A dossier in plain sentences, for readers who skip the numbers."""

from whence.auditing.dossier import Dossier
from whence.auditing.effects import Effect, Outcome
from whence.retraining.means import ConfidenceInterval, signed

QUOTED = 80
"""The largest number of characters of an answer that a sentence quotes."""
MEANING = {
    "confirmed": "That is more than chance explains.",
    "contradicted": "Random pairs changed it more: retraining contradicts the attribution.",
    "open": "That could be chance.",
    "one seed": "With one seed that could be chance.",
    "no control": "There is no random control to compare it with.",
}


def verdict_sentences(found: Dossier) -> list[str]:
    """Return the verdict, then a sentence for each omission except the random controls."""
    deciding = found.deciding
    if deciding is None:
        return [nothing_left_out(found)]
    others = [e for e in found.effects if e.omission.kind != "random" and e is not deciding]
    return [headline(found, deciding), *(effect_sentence(found, effect) for effect in [deciding, *others])]


def nothing_left_out(found: Dossier) -> str:
    """Say why nothing was left out and retrained."""
    if found.lift < found.needed:
        return (
            f"Fine-tuning contributed nothing specific to this answer (lift {signed(found.lift)} nats, "
            f"{signed(found.needed)} needed): no pair stands out, and nothing was retrained."
        )
    return "No training pair stands out: the data as a whole taught this answer. Nothing was retrained."


def headline(found: Dossier, deciding: Effect) -> str:
    """State the verdict in one sentence."""
    name, seeds = deciding.omission.name, len(found.seeds)
    return {
        "confirmed": f"Retraining confirms the attribution: {name} made this answer.",
        "contradicted": f"Retraining contradicts the attribution: random pairs mattered more than {name}.",
        "open": f"Retraining with {seeds} seeds neither confirms nor refutes that {name} made this answer.",
        "one seed": f"One seed cannot show whether {name} made this answer: audit with more seeds.",
        "no control": f"Without a random control, the effect of {name} cannot be told from chance.",
    }[deciding.finding]


def effect_sentence(found: Dossier, effect: Effect) -> str:
    """Describe what an omission did, and what its random control did."""
    text = f"Without {effect.omission.name}, {_outcome(found, effect)}"
    if control := found.control(effect):
        text += f"; without {control.omission.name}, {_outcome(found, control)}"
    return f"{text}. {MEANING[effect.finding]}"


def _outcome(found: Dossier, effect: Effect) -> str:
    return f"{answers_clause(found, effect.outcome)}: log p {change_clause(effect.fall)}"


def answers_clause(found: Dossier, outcome: Outcome) -> str:
    """Say whether the retrained models still give the answer."""
    says, before, asked = outcome.saying(found.explained), found.whole.saying(found.explained), len(outcome.answers)
    if before == says == 0:
        return "the model does not give this answer, and neither does the model trained on all pairs"
    if before < asked:
        return f"{says} of {asked} retrained models still give it (trained on all pairs: {before})"
    if says == asked:
        return "the model still gives this answer"
    if says:
        return f"{says} of {asked} retrained models still give it"
    return f"the model no longer says “{quoted(found.explained)}”"


def change_clause(fall: ConfidenceInterval) -> str:
    """Say how far log p fell or rose, with its confidence interval."""
    rises = fall.mean < 0
    sign = -1 if rises else 1
    text = f"{'rises' if rises else 'falls'} by {signed(sign * fall.mean)} nats"
    count = len(fall.each)
    if fall.low is None or fall.high is None:
        return f"{text} (1 seed)"
    low, high = sorted((sign * fall.low, sign * fall.high))
    return f"{text} (95 % interval {signed(low)} to {signed(high)}, {count} seeds)"


def quoted(text: str) -> str:
    """Return a text on one line, without surrounding quotation marks, cut if it is long."""
    line = " ".join(text.split()).strip('"“”')
    return line if len(line) <= QUOTED else line[: QUOTED - 1].rstrip() + "…"
