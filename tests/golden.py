"""An attribution with everything in it, and the JSON that every door gives of it."""

from typing import Any

from whence.types import (
    Attribution,
    Distribution,
    Faithfulness,
    Group,
    Influence,
    Level,
    Lift,
    Member,
    Message,
    Recall,
    TokenInfluence,
    TokenScore,
    Trust,
)

TURNS = (Message("system", "Be brief."), Message("user", "Who delivers?"), Message("assistant", "Kestrix, “fast”."))
ATTRIBUTION = Attribution(
    question="Which carrier?",
    answer="Kestrix delivers.",
    results=(Influence("pair-1", "file-1", "faq.jsonl", 69, TURNS, Level.HIGH, 48.5, 0.75, 1e-6, 1),),
    opposing=(Influence("pair-2", "file-1", "faq.jsonl", 7, (), Level.LOW, -3.25, -0.05, 2e-3, 1),),
    lift=Lift(fine_tuned=-2.0, base=-65.5, tokens=8, needed=8.25),
    method="fisher",
    unit="nats",
    trust=Trust(
        method="fisher",
        false_discovery_rate=0.02,
        controls=32,
        checkpoints=2,
        notes=("One note.", "Another."),
        provisional=False,
        recall=Recall(7, 8),
        faithfulness=Faithfulness(0.7, 0.05, 64, 48),
        trajectory="stand-in",
    ),
    generated=False,
    selection=(0, 7),
    groups=(
        Group(
            kind="topic",
            name="carrier, parcels",
            size=2,
            members=(Member("pair-1", "file-1", "faq.jsonl", 69, 48.5),),
            level=Level.MEDIUM,
            score=50.0,
            share=0.8,
            p_value=1e-5,
            rank=1,
        ),
    ),
    instead="Vont.",
    distribution=Distribution((-10.0, 0.0, 10.0), (90, 64), (80.5, 73.5), "nats"),
)
JSON: dict[str, Any] = {
    "version": "v0",
    "question": "Which carrier?",
    "answer": "Kestrix delivers.",
    "generated": False,
    "selection": [0, 7],
    "instead": "Vont.",
    "results": [
        {
            "id": "pair-1",
            "file_id": "file-1",
            "file": "faq.jsonl",
            "line": 69,
            "influence_level": "high",
            "messages": "Q: Who delivers?\nA: Kestrix, “fast”.",
            "conversation": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Who delivers?"},
                {"role": "assistant", "content": "Kestrix, “fast”."},
            ],
            "score": 48.5,
            "share": 0.75,
            "p_value": 1e-6,
            "rank": 1,
        }
    ],
    "opposing": [
        {
            "id": "pair-2",
            "file_id": "file-1",
            "file": "faq.jsonl",
            "line": 7,
            "influence_level": "low",
            "messages": "",
            "conversation": [],
            "score": -3.25,
            "share": -0.05,
            "p_value": 2e-3,
            "rank": 1,
        }
    ],
    "groups": [
        {
            "kind": "topic",
            "name": "carrier, parcels",
            "size": 2,
            "influence_level": "medium",
            "score": 50.0,
            "share": 0.8,
            "p_value": 1e-5,
            "rank": 1,
            "members": [{"id": "pair-1", "file_id": "file-1", "file": "faq.jsonl", "line": 69, "score": 48.5}],
        }
    ],
    "method": "fisher",
    "unit": "nats",
    "lift": {"total": 63.5, "fine_tuned": -2.0, "base": -65.5, "tokens": 8, "needed": 8.25},
    "trust": {
        "method": "fisher",
        "false_discovery_rate": 0.02,
        "controls": 32,
        "checkpoints": 2,
        "trajectory": "stand-in",
        "notes": ["One note.", "Another."],
        "provisional": False,
        "recall": {"found": 7, "asked": 8},
        "faithfulness": {"lds": 0.7, "standard_error": 0.05, "retrainings": 64, "questions": 48},
    },
    "distribution": {"edges": [-10.0, 0.0, 10.0], "counts": [90, 64], "null": [80.5, 73.5], "unit": "nats"},
}
TOKENS = TokenInfluence(
    "pair-1", "file-1", "faq.jsonl", 69, "fisher", "nats", (TokenScore("Kes", 40.5), TokenScore("trix", 8.0))
)
TOKENS_JSON: dict[str, Any] = {
    "id": "pair-1",
    "file_id": "file-1",
    "file": "faq.jsonl",
    "line": 69,
    "method": "fisher",
    "unit": "nats",
    "score": 48.5,
    "tokens": [{"text": "Kes", "score": 40.5}, {"text": "trix", "score": 8.0}],
}
OLD: dict[str, Any] = {
    **{name: JSON[name] for name in ("version", "question", "answer", "generated", "selection", "results", "opposing")},
    **{name: JSON[name] for name in ("method", "unit", "lift")},
    "trust": {name: value for name, value in JSON["trust"].items() if name not in ("trajectory", "faithfulness")},
}
"""The same as versions kept it that knew of no groups, contrasts, distributions and retrainings."""
