"""What a dossier says in plain sentences, for a person who does not read numbers."""

from whence.auditing.dossier import Dossier
from whence.auditing.effects import Effect, Outcome
from whence.retraining.means import ConfidenceInterval, signed

QUOTED = 80
"""Characters of an answer that a sentence quotes at most."""
MEANING = {
    "confirmed": "That is more than chance.",
    "contradicted": "That is less than random pairs did: retraining contradicts the attribution.",
    "open": "Retraining does not tell that from chance.",
    "one seed": "One seed cannot tell that from chance.",
    "no control": "There is no random control to hold that against.",
}


def sentences(found: Dossier) -> list[str]:
    """The verdict first, then a sentence for everything that was left out, random controls aside."""
    deciding = found.deciding
    if deciding is None:
        return [nothing(found)]
    others = [e for e in found.effects if e.omission.kind != "random" and e is not deciding]
    return [headline(found, deciding), *(told(found, effect) for effect in [deciding, *others])]


def nothing(found: Dossier) -> str:
    """Why nothing was trained anew."""
    if found.lift < found.needed:
        return (
            f"Fine-tuning contributed nothing particular to this answer (lift {signed(found.lift)} nats, "
            f"{signed(found.needed)} needed): no pair stands out, and nothing was trained anew."
        )
    return "No training pair stands out: the data as a whole taught this answer. Nothing was trained anew."


def headline(found: Dossier, deciding: Effect) -> str:
    """The verdict in a sentence."""
    name, seeds = deciding.omission.name, len(found.seeds)
    return {
        "confirmed": f"Retraining confirms the attribution: {name} made this answer.",
        "contradicted": f"Retraining contradicts the attribution: random pairs mattered more than {name}.",
        "open": f"Retraining with {seeds} seeds neither confirms nor refutes that {name} made this answer.",
        "one seed": f"One seed cannot tell whether {name} made this answer: audit with more.",
        "no control": f"Without a random control nothing can be said for sure of {name}.",
    }[deciding.finding]


def told(found: Dossier, effect: Effect) -> str:
    """What leaving something out did, and what chance did."""
    said = f"Without {effect.omission.name} {speech(found, effect.outcome)}: log p {moved(effect.fall)}"
    if control := found.control(effect):
        said += f"; without {control.omission.name} {speech(found, control.outcome)}: it {moved(control.fall)}"
    return f"{said}. {MEANING[effect.finding]}"


def speech(found: Dossier, outcome: Outcome) -> str:
    """Whether the models still say it."""
    says, before, asked = outcome.saying(found.explained), found.whole.saying(found.explained), len(outcome.answers)
    if before == says == 0:
        return "the model does not say it, nor does that of all pairs"
    if before < asked:
        return f"it is said in {says} of {asked} retrainings (of all pairs: in {before})"
    if says == asked:
        return "the model still says it"
    if says:
        return f"it is said in {says} of {asked} retrainings"
    return f"the model no longer says “{quoted(found.explained)}”"


def moved(fall: ConfidenceInterval) -> str:
    """How far log p fell or rose, with its interval."""
    rises = fall.mean < 0
    sign = -1 if rises else 1
    said = f"{'rises' if rises else 'falls'} by {signed(sign * fall.mean)} nats"
    count = len(fall.each)
    if fall.low is None or fall.high is None:
        return f"{said} (1 seed)"
    low, high = sorted((sign * fall.low, sign * fall.high))
    return f"{said} (95 % interval {signed(low)} to {signed(high)}, {count} seeds)"


def quoted(text: str) -> str:
    """A text on one line, without quotation marks around it, cut where it is long."""
    line = " ".join(text.split()).strip('"“”')
    return line if len(line) <= QUOTED else line[: QUOTED - 1].rstrip() + "…"
