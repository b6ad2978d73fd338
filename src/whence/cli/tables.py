"""The output of commands for people, in 80 columns: an attribution, a data report, the list of models."""

from collections.abc import Iterator, Sequence

from rich.console import Group as Together
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from whence.cli.formatting import counted, duration, size
from whence.data.report import DataReport
from whence.errors import Fault
from whence.models.catalog import KnownModel
from whence.training.estimate import Estimate
from whence.types import Attribution, Group, Influence, Level, Message, TokenInfluence

COLOURS = {Level.HIGH: "bold green", Level.MEDIUM: "yellow", Level.LOW: "dim"}
LONGEST = 240
"""Maximum characters of a question or an answer in a table; --json has all of them."""
GROUPS_SHOWN = 10


def attribution(found: Attribution, opposing: bool = False) -> RenderableType:
    """The answer, the sentence, the pairs that made the answer, and how far to trust them."""
    parts: list[RenderableType] = [exchange(found.question, found.answer)]
    if found.instead is not None:
        parts.append(Text(printable(f"rather than: {found.instead}"), "dim"))
    parts += [Text(), Text(found.sentence, "bold")]
    if found.results:
        parts += [Text(), influences(found.results, found.unit)]
    if opposing:
        head = "These pairs made the answer less likely:" if found.opposing else "No pair stands out as opposing it."
        parts += [Text(), Text(head)]
        parts += [Text(), influences(found.opposing, found.unit)] if found.opposing else []
    if found.groups:
        parts += [Text(), Text("Groups of pairs:"), Text(), groups(found.groups, found.unit)]
    return Together(*parts, Text(), basis(found))


def exchange(question: str, answer: str) -> Table:
    """A question and its answer, after "Q" and "A"."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text("Q", "dim"), Text(printable(question)))
    grid.add_row(Text("A", "dim"), Text(printable(answer), "bold"))
    return grid


def influences(rows: Sequence[Influence], unit: str) -> Table:
    """One row per pair: level, score, share, id, place, text."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("level", no_wrap=True)
    table.add_column("nats" if unit == "nats" else "score", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("id", no_wrap=True)
    table.add_column("source", max_width=18, overflow="fold")
    table.add_column("pair", ratio=1, overflow="fold")
    for row in rows:
        table.add_row(
            Text(row.level, COLOURS.get(row.level, "")),
            f"{row.score:.2f}",
            f"{row.share:.0%}",
            Text(row.id[:8], "dim"),
            Text(printable(f"{row.file}:{row.line}")),
            pair(row.messages),
        )
    return table


def groups(rows: Sequence[Group], unit: str) -> Table:
    """One row per group of pairs: level, score, share, kind, number of pairs, name."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("level", no_wrap=True)
    for name in ("nats" if unit == "nats" else "score", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("pairs", justify="right", no_wrap=True)
    table.add_column("name", ratio=1, overflow="fold")
    for row in rows:
        level, name = Text(row.level, COLOURS.get(row.level, "")), Text(shortened(row.name))
        table.add_row(level, f"{row.score:.2f}", f"{row.share:.0%}", row.kind, f"{row.size:,}", name)
    return table


def token_table(found: TokenInfluence) -> RenderableType:
    """The tokens of a pair's answer, each with its share of the pair's score."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("nats" if found.unit == "nats" else "score", justify="right", no_wrap=True)
    table.add_column("token", overflow="fold")
    for token in found.tokens:
        table.add_row(f"{token.score:.2f}", Text(printable(token.text.replace("\n", "\u23ce"))))
    head = f"The answer of {found.file}:{found.line}, token by token ({found.score:.2f} in total):"
    return Together(Text(), Text(printable(head)), Text(), table)


def pair(messages: Sequence[Message]) -> Text:
    """The last exchange of a conversation as "Q …" and "A …"."""
    last = [message for message in messages if message.role != "system"][-2:]
    if not last:
        return Text("(given as tokens, without text)", "dim")
    lines = (f"{'A' if m.role == 'assistant' else 'Q'} {shortened(m.content)}" for m in last)
    return Text("\n".join(lines))


def basis(found: Attribution) -> Text:
    """The basis of the attribution: method, false-discovery rate and lift in one line, then the notes; dimmed."""
    trust, lift = found.trust, found.lift
    line = [
        trust.method,
        *(["stand-in trajectory"] if trust.trajectory == "stand-in" else []),
        f"false-discovery rate {trust.false_discovery_rate:.0%}",
        f"lift {lift.total:.1f} nats, {lift.needed:.1f} needed",
        f"{counted(trust.controls, 'control')}",
    ]
    notes = list(trust.notes)
    if trust.faithfulness:
        seen = trust.faithfulness
        lds = f"{seen.lds:.2f} ± {seen.standard_error:.2f} over {counted(seen.retrainings, 'retraining')}"
        of = "by the stand-in's recipe" if trust.trajectory == "stand-in" else "of this model"
        notes.append(f"Checked against retraining {of}: LDS {lds}.")
    elif found.results:
        notes.append("Not checked against retraining of this model: whence evaluate RUN.")
    return Text("\n".join([" · ".join(line), *map(printable, notes)]), "dim")


def data_report(report: DataReport, estimate: Estimate | None, hints: Sequence[str]) -> RenderableType:
    """The contents and faults of the data, and the cost of fine-tuning on them."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(ratio=1)
    for name, value, more in (*_counts(report), *_estimates(estimate)):
        grid.add_row(name, value, Text(more, "dim"))
    parts: list[RenderableType] = [grid]
    if report.duplicates:
        parts += [Text(), *_duplicates(report)]
    if report.faults:
        parts += [Text(), *_faults(report)]
    return Together(*parts, *(line for hint in hints for line in (Text(), Text(hint))))


def _counts(report: DataReport) -> Iterator[tuple[str, str, str]]:
    formats = ", ".join(f"{name} {count:,}" for name, count in report.formats.items())
    yield "rows", f"{report.rows:,}", f"{size(report.bytes)}; {formats}" if formats else size(report.bytes)
    yield "examples", f"{report.examples:,}", "one per answer"
    if tokens := report.tokens:
        more = f"{tokens.mean:.0f} on average, {tokens.longest:,} at most; {tokens.answers:,} in answers"
        yield "tokens", f"{tokens.total:,}", more
    copies = sum(len(group) for group in report.duplicates)
    more = f"{counted(copies, 'example')} in {counted(len(report.duplicates), 'group')}" if copies else ""
    yield "duplicates", f"{copies - len(report.duplicates):,}", more
    yield "faults", f"{report.fault_count:,}", ""


def _estimates(estimate: Estimate | None) -> Iterator[tuple[str, str, str]]:
    if estimate:
        train, index = duration(estimate.train_seconds), duration(estimate.index_seconds)
        yield "time", duration(estimate.seconds), f"estimated: {train} to train, {index} to index"
        yield "disk", size(estimate.disk_bytes), "estimated, while the index is being built"


def _duplicates(report: DataReport) -> Iterator[RenderableType]:
    yield Text("Identical examples")
    for group in report.duplicates[:GROUPS_SHOWN]:
        yield hanging(", ".join(f"{file}:{line}" for file, line in group))
    if more := len(report.duplicates) - GROUPS_SHOWN:
        yield from [hanging(f"and {counted(more, 'more group')}")] if more > 0 else []


def _faults(report: DataReport) -> Iterator[RenderableType]:
    yield Text("Invalid lines", "bold red")
    for fault in report.faults:
        yield fault_line(fault)
    if (more := report.fault_count - len(report.faults)) > 0:
        yield hanging(f"and {more:,} more")


def fault_line(fault: Fault) -> RenderableType:
    """A fault, indented."""
    return hanging(str(fault))


def hanging(text: str) -> RenderableType:
    """Indented text."""
    return Padding(Text(printable(text), overflow="fold"), (0, 0, 0, 2))


def models(known: Sequence[tuple[KnownModel, str | None]]) -> RenderableType:
    """The known models, each with its folder if it is downloaded."""
    parts: list[RenderableType] = []
    for model, folder in known:
        parts.append(Text.assemble((model.name, "bold"), f"  {'downloaded' if folder else 'not downloaded'}"))
        parts.append(hanging(model.purpose))
        parts.append(hanging(f"{model.megabytes} MB to download · {model.licence} · {model.hub_id}"))
        parts += [hanging(folder)] if folder else []
        parts.append(Text())
    return Together(*parts, Text("Download one with: whence models pull NAME"))


def shortened(text: str) -> str:
    """The text on one line, truncated if it is too long for a table."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def printable(text: str) -> str:
    """The text without characters that would move the cursor or change colours on a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
