"""The stages in order: pairs -> run -> index -> scores -> levels -> attribution. Every door calls these."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.data.hub import is_hub
from whence.data.table import write_table
from whence.data.validate import Source, check, load, queries, require_valid
from whence.errors import ArtifactError, DataError, MissingError, ModelError
from whence.evaluation.audit import audited
from whence.evaluation.dossier import Dossier, read_dossier
from whence.evaluation.faithfulness import faithfulness_of
from whence.evaluation.inquiry import AuditPlan, Inquiry, inquiry
from whence.evaluation.recall import RECALL, SelfRecall, recall_folder, recorded, self_recall
from whence.gradients.trajectory import Trajectory
from whence.levels.attribution import attribution_of, trust_in
from whence.levels.groups import require_kinds
from whence.levels.lift import ANSWER_TOKENS, own_answers
from whence.levels.measure import CONTROLS, measure_null
from whence.levels.null import Null
from whence.levels.tokens import token_influence_of
from whence.levels.verdict import DISCOVERY_RATE, Evidence, contrasted, verdicts
from whence.methods.base import Compute, Method, Subject
from whence.methods.registry import method_named, settings_of
from whence.models.base import context_length, load_tokenizer, resolve
from whence.store.artifact import Manifest, make, read_manifest
from whence.training.fit import fit_run
from whence.training.imported import hash_trace, hash_weights, import_weights, is_adapter
from whence.training.recipe import Recipe
from whence.training.retrain import recipe_of
from whence.training.run import EXAMPLES, Run, default_run, run_manifest
from whence.training.stand_in import FREE, stand_in_recipe, train_stand_in
from whence.types import Attribution, GroupKind, Message, Query, Report, TokenInfluence, Trust, silent

DEFAULT_MODEL = "smollm2-135m-instruct"
DEFAULT_METHOD = "fisher"


@dataclass(frozen=True)
class Index:
    """A finished index: a run seen through one method, with its null. `path` is the run's model where somebody else
    holds it in memory; else the run loads its own."""

    folder: Path
    manifest: Manifest
    run: Run
    method: Method
    path: Trajectory | None = field(default=None, compare=False, repr=False)

    @cached_property
    def null(self) -> Null:
        """What scores look like when the answer has nothing to do with the data."""
        return Null.load(self.folder)

    @cached_property
    def subject(self) -> Subject:
        """The examples and the model, loaded once."""
        path = self.run.trajectory if self.path is None else self.path
        return Subject(self.run.examples, path, Compute())

    @cached_property
    def evidence(self) -> Evidence:
        """What answers are judged by."""
        return Evidence(self.subject, self.method, self.folder, self.null)

    @staticmethod
    def open(run: "Run | str | Path", method: str | None = None, path: Trajectory | None = None) -> "Index":
        """The index of a run: the named method's, else the default's, else the only one there is.

        Raises:
            ArtifactError: the run has no such index.
        """
        opened = run if isinstance(run, Run) else Run.open(run)
        folder = index_folder(opened, method or only_index(opened))
        manifest = read_manifest(folder, "index")
        settings = dict(manifest.config)
        named = method_named(settings.pop("method"), settings.pop("settings"))
        return Index(folder, manifest, opened, named, path)


def finetune(
    data: Source | Sequence[Source],
    base_model: str = DEFAULT_MODEL,
    out: str | Path | None = None,
    recipe: Recipe | None = None,
    report: Report = silent,
) -> Run:
    """Fine-tune a base model on question/answer data and keep the trace; a finished run is returned as it is.

    A killed run resumes at its last checkpoint when called again with the same arguments.

    Raises:
        DataError: the data break a rule; all bad lines are listed, before anything is computed.
        ModelError: the base model cannot be had.
        ArtifactError: `out` holds another run.
    """
    files, base = sources(data), resolve(base_model, report)
    recipe = recipe or Recipe()
    length = min(recipe.max_length or context_length(base), context_length(base))
    tokenizer = load_tokenizer(base)
    found = check(files, tokenizer, None if recipe.truncate else length)
    require_valid(found)
    chosen = recipe.for_examples(found.examples)
    folder = Path(out) if out else default_run(files[0])
    wanted = run_manifest(base_model, base, files, asdict(chosen))

    def work(part: Path) -> dict[str, Any]:
        if not (part / EXAMPLES).exists():
            pairs = load(files, tokenizer, max_length=length, truncate=chosen.truncate)
            write_table(part / EXAMPLES, pairs)
        facts = fit_run(part, base, tokenizer, chosen, report)
        return {**facts, "examples": found.examples, "tokens": asdict(found.tokens) if found.tokens else None}

    return Run(folder, make(folder, wanted, work))


def import_run(
    base_model: str,
    data: Source | Sequence[Source],
    out: str | Path,
    adapter: str | Path | None = None,
    checkpoints: Sequence[str | Path] = (),
    trace: str | Path | None = None,
    report: Report = silent,
    stand_in: bool | Recipe = True,
) -> Run:
    """A run made of a model that was fine-tuned elsewhere, ready for `build_index`.

    `adapter` is the finished model: a LoRA adapter, or a whole fine-tuned checkpoint. `checkpoints` are earlier
    points of its training in order; `trace` is what `TraceCallback` recorded instead. Where there is neither, the base
    model is trained again on the same pairs for a path, unless `stand_in` is False; a `Recipe` says how, but for what
    the adapter tells itself. A killed call resumes that when it is made again with the same arguments.

    Raises:
        DataError: the data break a rule.
        ModelError: adapter, checkpoints and base model do not fit together.
        TrainingError: there is no room for a stand-in.
    """
    if adapter is None:
        raise ModelError("A finished model is needed: name its adapter or checkpoint folder with --adapter.")
    if trace is not None and checkpoints:
        raise ModelError("A trace has the checkpoints itself: give --trace or --checkpoint, not both.")
    given = said_of_stand_in(stand_in, bool(checkpoints) or trace is not None)
    finished, files, base = Path(adapter), sources(data), resolve(base_model, report)
    tokenizer, length = load_tokenizer(base), context_length(base)
    found = check(files, tokenizer, length)
    require_valid(found)
    points, full = [finished, *map(Path, checkpoints)], not is_adapter(finished)
    recipe = stand_in_recipe(finished, full, found.examples, given) if given else None
    made = {"stand_in": asdict(recipe)} if recipe else {}
    wanted = run_manifest(base_model, base, files, {"full": full, "imported": True, **made})
    weights = {f"weights {place}: {point.name}": hash_weights(point) for place, point in enumerate(points, start=1)}
    if trace is not None:
        weights["trace"] = hash_trace(Path(trace))
    wanted = replace(wanted, inputs={**wanted.inputs, **weights})

    def work(part: Path) -> dict[str, Any]:
        if not (part / EXAMPLES).exists():
            write_table(part / EXAMPLES, load(files, tokenizer, max_length=length))
        import_weights(base, finished, points[1:], Path(trace) if trace else None, part, alone=recipe is not None)
        facts = train_stand_in(part, base, tokenizer, recipe, report) if recipe else {}
        return {**facts, "examples": found.examples, "tokens": asdict(found.tokens) if found.tokens else None}

    return Run(Path(out), make(Path(out), wanted, work))


def build_index(
    run: Run | str | Path,
    method: str = DEFAULT_METHOD,
    settings: dict[str, Any] | None = None,
    compute: Compute | None = None,
    report: Report = silent,
) -> Index:
    """Build the index of a run with one method, and its null; a finished index is returned as it is.

    A killed build resumes at its last finished shard.

    Raises:
        MethodError: no method has that name or those settings, or the model leaves the control questions unanswered.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    chosen = method_named(method, settings or {})
    config = {"method": method, "settings": settings_of(chosen), "controls": CONTROLS}
    folder = index_folder(opened, method)
    wanted = Manifest("index", config, {"run": opened.manifest.key})

    def work(part: Path) -> dict[str, Any]:
        subject = Subject(opened.examples, opened.trajectory, compute or Compute())
        facts = chosen.build(subject, part, report)
        null = measure_null(subject, chosen, part, report)
        null.save(part)
        return {**facts, "usual_drift": null.usual_drift, "controls": len(null.drift)}

    return Index(folder, make(folder, wanted, work), opened, chosen)


def attribute(
    index: Index | Run | str | Path,
    question: str,
    answer: str | None = None,
    system_prompt: str | None = None,
    false_discovery_rate: float = DISCOVERY_RATE,
    top: int | None = None,
    report: Report = silent,
    max_new_tokens: int = ANSWER_TOKENS,
    selection: tuple[int, int] | None = None,
    groups: Sequence[GroupKind] = (),
    instead: str | None = None,
) -> Attribution:
    """Which training pairs made the fine-tuned model give this answer, or give it rather than the one `instead`.

    Where `answer` is None it is the model's own, of at most `max_new_tokens` tokens. With a `selection`, the characters
    of the answer from the first to before the second, lift and scores speak of the tokens in it only. `groups` are the
    kinds of sets of pairs that are looked at, too: "file", "duplicates", "topic".

    Raises:
        DataError: question or an answer is empty, the selection holds nothing of the answer, or is given with
            `instead`, or a kind of group is unknown.
        ArtifactError: the run has no index, or one that kept nothing to judge groups or contrasts by.
    """
    opened = index if isinstance(index, Index) else Index.open(index)
    require_text("question", question)
    if answer is not None:
        require_text("answer", answer)
    require_kinds(groups)
    if instead is not None:
        require_contrast(instead, selection)
    given = _given(opened, question, answer, system_prompt, selection, max_new_tokens, report)
    if instead is None:
        (result,) = attribute_all(opened, [given], false_discovery_rate, top, groups)
    else:
        other = Query.of(question, instead, system_prompt, id="instead")
        result = attribute_contrast(opened, given, other, false_discovery_rate, top, groups)
    return result if answer is not None else replace(result, generated=True)


def own_answer(index: Index, question: str, system_prompt: str | None = None, report: Report = silent) -> str:
    """The fine-tuned model's own answer to a question."""
    require_text("question", question)
    return _own(index, Query.of(question, "", system_prompt), ANSWER_TOKENS, report).answer


def token_influence(
    index: Index | Run | str | Path,
    question: str,
    answer: str,
    pair: str,
    system_prompt: str | None = None,
    selection: tuple[int, int] | None = None,
    instead: str | None = None,
) -> TokenInfluence:
    """Which tokens of a training pair's answer carry the pair's influence on this answer. `pair` is its id, or so much
    of the beginning as no other pair shares.

    Raises:
        MissingError: the run has no such pair.
        DataError: question or an answer is empty, or the selection holds nothing of the answer.
        MethodError: the index is that of a method that scores whole pairs only.
    """
    opened = index if isinstance(index, Index) else Index.open(index)
    require_text("question", question)
    require_text("answer", answer)
    if instead is not None:
        require_contrast(instead, selection)
    query = Query.of(question, answer, system_prompt, selected=selection)
    other = Query.of(question, instead, system_prompt, id="instead") if instead else None
    return token_influence_of(opened.evidence, row_of(opened.run, pair), query, other)


def row_of(run: Run, pair: str) -> int:
    """The place of a pair in the data, by its id or the beginning of it."""
    rows = [row for row, name in enumerate(run.examples.ids()) if pair and name.startswith(pair)]
    if len(rows) != 1:
        found = f"{len(rows)} pairs have one that begins with" if rows else "none has"
        raise MissingError(f"A pair is named by its id ({found} {pair[:60]!r}). Take it from an attribution.")
    return rows[0]


def _given(
    index: Index,
    question: str,
    answer: str | None,
    system_prompt: str | None,
    selection: tuple[int, int] | None,
    max_new_tokens: int,
    report: Report,
) -> Query:
    """The question with the answer that is explained: the one given, or the model's own."""
    asked = Query.of(question, answer or "", system_prompt)
    if answer is None:
        asked = _own(index, asked, max_new_tokens, report)
    return replace(asked, selected=selection)


def _own(index: Index, asked: Query, max_new_tokens: int, report: Report) -> Query:
    """The question with the model's own answer."""
    prompt = asked.messages[:-1]
    (own,) = own_answers(index.subject, [prompt], max_new_tokens, report)
    if not own.text:
        raise DataError("The model gave an empty answer, which nothing can be said about. Give an answer.")
    return replace(asked, messages=(*prompt, Message("assistant", own.text)), ended=own.ended)


def attribute_all(
    index: Index,
    asked: Sequence[Query],
    rate: float = DISCOVERY_RATE,
    top: int | None = None,
    groups: Sequence[GroupKind] = (),
) -> list[Attribution]:
    """The attribution of each query's answer. An answer that fine-tuning contributed nothing to has no results."""
    evidence, trust = index.evidence, _trust(index, rate)
    return [attribution_of(evidence, verdict, trust, top) for verdict in verdicts(evidence, asked, rate, groups)]


def attribute_contrast(
    index: Index,
    query: Query,
    instead: Query,
    rate: float = DISCOVERY_RATE,
    top: int | None = None,
    groups: Sequence[GroupKind] = (),
) -> Attribution:
    """The attribution of one answer rather than another; no results where fine-tuning did not favour it."""
    evidence = index.evidence
    return attribution_of(evidence, contrasted(evidence, query, instead, rate, groups), _trust(index, rate), top)


def _trust(index: Index, rate: float) -> Trust:
    known = recorded(recall_folder(index.run.folder, index.method.name), index.manifest.key)
    measured = faithfulness_of(index.run, index.method.name, settings_of(index.method))
    return trust_in(index.evidence, rate, (known.found, known.asked) if known else None, measured)


def score(index: Index | Run | str | Path, asked: Sequence[Query] | Source) -> Float[ndarray, "query train"]:
    """The raw score of every training example for every query, float32, in the method's unit."""
    opened = index if isinstance(index, Index) else Index.open(index)
    wanted = queries(asked) if isinstance(asked, str | Path) else asked
    return opened.method.score(opened.subject, opened.folder, wanted).astype(np.float32)


def evaluate_recall(
    index: Index | Run | str | Path, count: int = 8, seed: int = 0, report: Report = silent
) -> SelfRecall:
    """How many training pairs an index finds by their own words, and how many unrelated answers stay without pairs.

    It is kept beside the index, and returned as it is the next time; every later attribution tells of it.

    Raises:
        ArtifactError: the run has no index, or this was measured with another count or seed.
    """
    opened = index if isinstance(index, Index) else Index.open(index)
    config = {"method": opened.method.name, "count": count, "seed": seed}
    wanted = Manifest(RECALL, config, {"index": opened.manifest.key})
    folder = recall_folder(opened.run.folder, opened.method.name)
    made = make(folder, wanted, lambda _: self_recall(opened.evidence, count, seed, report).to_dict())
    return SelfRecall(**made.facts)


def audit(
    index: Index | Run | str | Path,
    question: str,
    answer: str | None = None,
    plan: AuditPlan | None = None,
    out: str | Path | None = None,
    workers: int = 1,
    system_prompt: str | None = None,
    selection: tuple[int, int] | None = None,
    report: Report = silent,
) -> Dossier:
    """What an answer's attribution says, held against models that were trained without; an audit that was made is
    returned as it is, and a killed one goes on with the next retraining.

    Its folder is `out`, or lies beside the run: JSON, Markdown and one HTML page.

    Raises:
        DataError: question or answer is empty, or the selection holds nothing of the answer.
        TrainingError: the run was trained elsewhere and has no stand-in, so that its recipe is not known.
        ArtifactError: the run has no index, or `out` holds something else.
    """
    asked = inquire(index, question, answer, plan, system_prompt, selection, report)
    return read_dossier(audited(asked, out, workers, report))


def inquire(
    index: Index | Run | str | Path,
    question: str,
    answer: str | None = None,
    plan: AuditPlan | None = None,
    system_prompt: str | None = None,
    selection: tuple[int, int] | None = None,
    report: Report = silent,
) -> Inquiry:
    """What an audit is going to leave out, and its cost; raises as `audit` does. Trains nothing."""
    opened = index if isinstance(index, Index) else Index.open(index)
    require_text("question", question)
    recipe_of(opened.run)  # before anything is computed: without it nothing can be trained anew
    if answer is not None:
        require_text("answer", answer)
    given = _given(opened, question, answer, system_prompt, selection, ANSWER_TOKENS, report)
    key, wanted = opened.manifest.key, plan or AuditPlan()
    return inquiry(opened.run, opened.evidence, key, given, wanted, generated=answer is None)


def sources(data: Source | Sequence[Source]) -> list[Source]:
    """One source or several, as a list; files as paths, hub data sets as they are."""
    given = [data] if isinstance(data, str | Path) else list(data)
    return [source if isinstance(source, str) and is_hub(source) else Path(source) for source in given]


def said_of_stand_in(stand_in: bool | Recipe, known: bool) -> Recipe | None:
    """How a stand-in is to be trained, None where there is to be none; `known`: the path is, or some of it."""
    if known and isinstance(stand_in, Recipe):
        raise ModelError("A stand-in is for a model without its path: give a recipe, or --trace or --checkpoint.")
    return None if known or stand_in is False else FREE if stand_in is True else stand_in


def index_folder(run: Run, method: str) -> Path:
    """Where a method's index of a run lies."""
    return run.folder / "index" / method


def only_index(run: Run) -> str:
    """The default method's index where there is one, else the only one."""
    there = sorted(p.parent.name for p in (run.folder / "index").glob("*/manifest.json"))
    if DEFAULT_METHOD in there:
        return DEFAULT_METHOD
    if len(there) == 1:
        return there[0]
    what = f"has several ({', '.join(there)}); name one with --method" if there else "has no index"
    raise ArtifactError(f"{run.folder} {what}. Build one with: whence index {run.folder}")


def require_contrast(instead: str, selection: tuple[int, int] | None) -> None:
    """Raise unless there is another answer, and the whole of both is asked about."""
    require_text("other answer", instead)
    if selection is not None:
        raise DataError("A contrast is one of two whole answers (found a selection, too). Leave one of them out.")


def require_text(what: str, text: str) -> None:
    """Raise unless there is any text."""
    if not text.strip():
        raise DataError(f"The {what} must not be empty (found {text!r}). Write one.")
