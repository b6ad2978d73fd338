"""Data files as valid examples, or as a list of all their faults, before anything is computed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from whence.data import hub, read
from whence.data.formats import Conversation, conversation, turns
from whence.data.identity import example_id, file_id, hub_id
from whence.data.report import FAULTS_KEPT, DataReport, Tally
from whence.data.tokenize import TextError, tokenize_all
from whence.errors import DataError, Fault
from whence.types import Example, Query, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCH = 256

Source = str | Path
"""A data file, or `hub:owner/name[:split]`."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A source that is ready to read."""

    file_id: str
    name: str
    bytes: int
    rows: Iterator[read.Row]


def examples(path: Source) -> Iterator[Example | Fault]:
    """Yield the examples of a file in order, one per assistant turn; a faulty line yields a fault instead.

    Raises:
        DataError: the file as a whole cannot be read, or has no rows.
    """
    return (one if isinstance(one, Fault) else one[0] for one in with_records(path))


def with_records(
    path: Source, look: read.Look | None = None, like: Callable[[read.Record], bool] | None = None
) -> Iterator[tuple[Example, read.Record] | Fault]:
    """Yield the examples of a file in order, each with the record of its line; a faulty line yields a fault instead.

    Records that `look` rejects are not read; those that `like` rejects are read but skipped.

    Raises:
        DataError: the file as a whole cannot be read, or has no rows.
    """
    opened = _open(path, look)
    for row in opened.rows:
        if like and not isinstance(row.record, Fault) and not like(row.record):
            continue
        found = _conversation(row, opened.name)
        if isinstance(found, Fault) or isinstance(row.record, Fault):
            assert isinstance(found, Fault)
            yield found
        else:
            record = row.record
            yield from ((example, record) for example in _examples(found, row.line, opened))


def source_id(source: Source) -> str:
    """Return the id of a source's content: by a file's bytes, or by a hub data set's name and revision.

    Raises:
        DataError: the source cannot be read.
    """
    return _open(source).file_id


def queries(path: Source) -> list[Query]:
    """Return the queries of a file, in any of the data formats; each has the id that it would have as an example.

    Raises:
        DataError: a line breaks a rule; the error lists them all.
    """
    found = list(examples(path))
    faults = [fault for fault in found if isinstance(fault, Fault)]
    if faults:
        raise _error(faults, len(faults))
    return [Query(e.id, e.messages, e.tokens) for e in found if isinstance(e, Example)]


def check(
    paths: Source | Sequence[Source],
    tokenizer: "PreTrainedTokenizerBase | None" = None,
    max_length: int | None = None,
) -> DataReport:
    """Return the contents and all faults of the files, in one pass.

    Without a tokenizer, tokens are not counted and `max_length` is ignored. Omit `max_length` if examples will be
    truncated.
    """
    tally = Tally()
    stream = _all(_sources(paths), tally)
    found = _tokenised(stream, tokenizer, max_length, False) if tokenizer else _bare(stream)
    for one in found:
        if isinstance(one, Fault):
            tally.fault(one)
        else:
            tally.example(*one)
    return tally.report(tokenised=tokenizer is not None)


def require_valid(report: DataReport) -> None:
    """Return if every line can be used.

    Raises:
        DataError: some cannot; the message lists the first 20, one per line.
    """
    if not report.valid:
        raise _error(report.faults, report.fault_count)


def load(
    paths: Source | Sequence[Source],
    tokenizer: "PreTrainedTokenizerBase",
    *,
    max_length: int | None = None,
    truncate: bool = False,
) -> Iterator[tuple[Example, Tokens]]:
    """Yield the examples of the files in order, tokenised as they are read.

    Raises:
        DataError: a line breaks a rule; the error lists it and all later ones. Use `check` first.
    """
    stream = _tokenised(_all(_sources(paths), Tally()), tokenizer, max_length, truncate)
    for found in stream:
        if isinstance(found, Fault):
            faults = [found, *(later for later in stream if isinstance(later, Fault))]
            raise _error(faults, len(faults))
        yield found


def _sources(paths: Source | Sequence[Source]) -> list[Source]:
    return [paths] if isinstance(paths, str | Path) else list(paths)


def _open(source: Source, look: read.Look | None = None) -> _Opened:
    if isinstance(source, str) and hub.is_hub(source):
        split = hub.open_set(source)
        return _Opened(hub_id(split.source, split.revision), split.source, 0, hub.rows(split))
    path = Path(source)
    rows = read.rows(path, look)  # first: it reports what is wrong with a path
    return _Opened(file_id(path), path.name, path.stat().st_size, rows)


def _conversation(row: read.Row, file: str) -> Conversation | Fault:
    return row.record if isinstance(row.record, Fault) else conversation(row.record, file, row.line)


def _examples(found: Conversation, line: int, opened: _Opened) -> Iterator[Example]:
    file = opened.file_id
    if found.tokens:
        name = example_id(file, line, 0, found.tokens)
        yield Example(name, file, opened.name, line, 0, (), found.tokens)
    for turn, messages in turns(found.messages):
        yield Example(example_id(file, line, turn, messages), file, opened.name, line, turn, messages)


def _all(sources: Iterable[Source], tally: Tally) -> Iterator[Example | Fault]:
    """Yield the examples and faults of all sources; an error about a whole file becomes a fault like any other."""
    seen: dict[str, str] = {}
    for source in sources:
        try:
            opened = _open(source)
            if twin := seen.get(opened.file_id):
                rule, value = "a file must not be given twice", f"the same bytes as {twin}"
                yield Fault(opened.name, 0, rule, value, "Leave one out.")
            else:
                seen[opened.file_id] = opened.name
                tally.bytes += opened.bytes
                yield from _counted(opened, tally)
        except DataError as error:
            yield from error.faults


def _counted(opened: _Opened, tally: Tally) -> Iterator[Example | Fault]:
    for row in opened.rows:
        tally.rows += 1
        found = _conversation(row, opened.name)
        if isinstance(found, Fault):
            yield found
        else:
            tally.formats[found.format] += 1
            yield from _examples(found, row.line, opened)


def _bare(stream: Iterator[Example | Fault]) -> Iterator[tuple[Example, Tokens | None] | Fault]:
    return (one if isinstance(one, Fault) else (one, one.tokens) for one in stream)


def _tokenised(
    stream: Iterator[Example | Fault],
    tokenizer: "PreTrainedTokenizerBase",
    max_length: int | None,
    truncate: bool,
) -> Iterator[tuple[Example, Tokens] | Fault]:
    """Yield the stream with tokens, in the same order; an example that cannot be tokenised becomes a fault."""
    while batch := list(islice(stream, BATCH)):
        sound = [one for one in batch if isinstance(one, Example)]
        done = iter(tokenize_all(sound, tokenizer, max_length=max_length, truncate=truncate))
        for one in batch:
            if isinstance(one, Fault):
                yield one
            else:
                tokens = next(done)
                yield (one, tokens) if isinstance(tokens, Tokens) else _fault(one, tokens)


def _fault(example: Example, error: TextError) -> Fault:
    return Fault(example.file, example.line, error.rule, error.value, error.fix)


def _error(faults: Sequence[Fault], count: int) -> DataError:
    listed = [f"  {fault}" for fault in faults[:FAULTS_KEPT]]
    more = [f"  and {count - len(listed)} more"] if count > len(listed) else []
    head = "1 fault in the data:" if count == 1 else f"{count} faults in the data:"
    return DataError("\n".join([head, *listed, *more]), tuple(faults))
