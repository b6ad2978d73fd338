import json
import shlex
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.test_pipeline import built
from tests.tiny import save_tiny
from tests.training.runs import ANSWERS, COLOURS, Log, short
from whence.auditing import audit as auditing
from whence.auditing import effects
from whence.auditing.audit import run_audit
from whence.auditing.dossier import Dossier, read_dossier
from whence.auditing.effects import Outcome
from whence.auditing.page import html as html_of
from whence.auditing.page import markdown
from whence.auditing.prepare import AuditPlan, PreparedAudit, first_groups
from whence.auditing.summary import verdict_sentences
from whence.errors import DataError, TrainingError
from whence.levels.groups import RowGroup
from whence.levels.judge import Judgement
from whence.levels.verdict import JudgedGroup, Verdict
from whence.pipeline import Index, audit, finetune, prepare_audit, score
from whence.retraining.likelihoods import RetrainedModels
from whence.retraining.magic import ExactDerivative, Smoothness
from whence.retraining.retrain import Retrainer
from whence.retraining.retrainings import Retrainings
from whence.store.artifact import read_manifest
from whence.training.run import Run
from whence.types import GroupKind, Level, Progress, Query

QUESTION, ANSWER = f"Who lives in the {COLOURS[2]} box?", ANSWERS[2]
LEARNED: dict[str, Any] = {"epochs": 8, "batch_size": 4, "learning_rate": 2e-2, "rank": 8}
PLAN = AuditPlan(pairs=1, seeds=2, groups=())


@pytest.fixture(scope="module", autouse=True)
def brief() -> Iterator[None]:
    """Short answers: the tiny model goes on talking."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effects, "ANSWER_TOKENS", 6)
        yield


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Of twelve pairs, the third of which stands there twice."""
    place = tmp_path_factory.mktemp("audit")
    rows = [{"question": f"Who lives in the {c} box?", "answer": a} for c, a in zip(COLOURS, ANSWERS, strict=True)]
    (place / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[2]]), "utf-8")
    return built(finetune(place / "pairs.jsonl", str(save_tiny(place / "base")), place / "run", short(**LEARNED)))


@pytest.fixture(scope="module")
def asked(index: Index) -> PreparedAudit:
    return prepare_audit(index, QUESTION, ANSWER, PLAN)


@pytest.fixture(scope="module")
def folder(asked: PreparedAudit) -> Path:
    return run_audit(asked)


@pytest.fixture(scope="module")
def found(folder: Path) -> Dossier:
    return read_dossier(folder)


def test_the_pair_that_taught_the_answer_is_left_out_with_its_copy(asked: PreparedAudit, index: Index):
    (suspect,) = asked.shortlist
    places = {suspect.place, *suspect.copies}
    assert places == {"pairs.jsonl:3", "pairs.jsonl:13"}
    pair, control = asked.omissions
    assert pair.rows == ((2, 12), (2, 12))
    assert (pair.control, control.size) == ("2 random pairs", 2)
    raw = score(index, [asked.query])[0]
    assert pair.predicted == pytest.approx(raw[2] + raw[12])
    assert [subset.without(13) for subset in asked.retrainings[1:3]] == [[2, 12], [2, 12]]


def test_the_answer_is_scored_once(index: Index, monkeypatch: pytest.MonkeyPatch):
    scored, method = list[int](), type(index.method)
    real = method.score

    def counted(self: Any, subject: Any, folder: Path, queries: list[Query]) -> np.ndarray:
        scored.append(len(queries))
        return real(self, subject, folder, queries)

    monkeypatch.setattr(method, "score", counted)
    assert prepare_audit(index, QUESTION, ANSWER, PLAN).omissions
    assert scored == [1]


def test_every_fall_is_what_retraining_by_hand_gives(asked: PreparedAudit, found: Dossier):
    models, retrainer = RetrainedModels.of(asked.run), Retrainer(asked.run)
    rest = [row for row in range(13) if row not in (2, 12)]
    whole = [log_p(models, None, asked.query), log_p(models, retrainer.weights(range(13), 1), asked.query)]
    without = log_p(models, retrainer.weights(rest, 1), asked.query)
    assert found.seeds == (0, 1)
    assert found.whole.values == pytest.approx(whole, abs=1e-4)
    assert found.effects[0].fall.each[1] == pytest.approx(whole[1] - without, abs=2e-4)


def log_p(models: RetrainedModels, weights: dict[str, torch.Tensor] | None, query: Query) -> float:
    """Written out, token after token; without weights under those of the run."""
    path = models.subject.trajectory
    path.move_to(path.last)
    with torch.no_grad():
        for name, parameter in path.model.named_parameters():
            if weights and name in weights:
                parameter.copy_(weights[name])
        text = path.tokenizer.apply_chat_template(
            [{"role": m.role, "content": m.content} for m in query.messages], tokenize=False
        )
        prompt = path.tokenizer.apply_chat_template(
            [{"role": "user", "content": query.question}], tokenize=False, add_generation_prompt=True
        )
        ids = path.tokenizer(text.rstrip("\n"), add_special_tokens=False)["input_ids"]
        start = len(path.tokenizer(prompt, add_special_tokens=False)["input_ids"])
        logits: Any = path.model(input_ids=torch.tensor([ids])).logits[0].double()
        path.at = -1
    return sum(float(logits[t - 1].log_softmax(0)[ids[t]]) for t in range(start, len(ids)))


def test_the_audit_of_a_learned_pair_confirms_it(found: Dossier):
    pair = found.effects[0]
    assert (found.whole.saying(ANSWER), pair.outcome.saying(ANSWER)) == (2, 0)
    assert pair.fall.mean > 3
    assert pair.fall.mean > found.effects[1].fall.mean
    verdict, told = verdict_sentences(found)
    assert "pairs.jsonl" in verdict
    assert f"no longer says “{ANSWER}”" in told


def test_it_is_kept_and_json_gives_the_same_dossier_back(
    index: Index, folder: Path, found: Dossier, monkeypatch: pytest.MonkeyPatch
):
    def forbidden(*_: object) -> None:
        raise AssertionError("something was trained or measured")

    monkeypatch.setattr(auditing, "_dossier", forbidden)
    assert audit(index, QUESTION, ANSWER, PLAN) == found
    assert Dossier.of(json.loads(json.dumps(found.to_dict()))) == found
    content = json.loads((folder / "audit.json").read_text("utf-8"))
    assert content["verdict"] == verdict_sentences(found)
    assert content["audit"]["effects"][0]["finding"] == found.effects[0].finding
    assert content["audit"]["source"]["inputs"]["run"] == index.run.manifest.key
    assert read_manifest(folder, "audit").facts["finding"] == found.effects[0].finding


def test_the_command_that_repeats_it_names_everything(asked: PreparedAudit, index: Index):
    words = shlex.split(asked.command)
    assert words[:4] == ["whence", "audit", str(index.run.folder), QUESTION]
    assert words[4:] == ["--answer", ANSWER, "--method", "fisher", "--pairs", "1", "--seeds", "2", "--groups", "none"]
    query = replace(Query.of(QUESTION, "A 'quoted' one.", "Be brief."), selected=(2, 10))
    other = replace(asked, query=query, plan=AuditPlan(exact=True))
    words = shlex.split(other.command)
    assert words[4:10] == ["--answer", "A 'quoted' one.", "--select-range", "2:10", "--system-prompt", "Be brief."]
    assert words[-3:] == ["--groups", "file,topic", "--exact"]


class Elements(HTMLParser):
    """Names of elements, what they refer to, and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.names, self.references, self.text = list[str](), list[str](), ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.references += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "data")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_else_and_says_what_the_markdown_says(folder: Path, found: Dossier):
    html, text = ((folder / f"report.{kind}").read_text("utf-8") for kind in ("html", "md"))
    assert (html, text) == (html_of(found), markdown(found))
    reader = Elements()
    reader.feed(html)
    assert reader.references == []
    assert not {"script", "link", "img", "iframe", "object"} & set(reader.names)
    assert "url(" not in html
    assert "@import" not in html
    assert (reader.names.count("svg"), "prefers-color-scheme:dark" in html) == (1, True)
    for said in (*verdict_sentences(found), found.command, found.answer, *found.source.inputs.values()):
        assert said in reader.text
        assert said in text
    numbers = str(found.effects[0].fall)
    assert numbers in reader.text
    assert numbers in text


def test_a_page_shows_hostile_text_as_text(found: Dossier):
    hostile = "<script>alert('x')</script> | & ![](http://x)"
    shown = replace(found, question=hostile, answer=hostile, whole=Outcome(found.whole.values, (hostile, hostile)))
    reader = Elements()
    reader.feed(html_of(shown))
    assert "script" not in reader.names
    assert reader.text.count("alert('x')") >= 3


def test_a_killed_audit_goes_on_with_the_next_retraining(
    asked: PreparedAudit, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(asked.run.folder, tmp_path / "run", ignore=shutil.ignore_patterns("audit-*", "values"))
    run = Run.open(tmp_path / "run")
    again, retrainings = replace(asked, run=run), Retrainings(run)
    lost = asked.retrainings[-1]
    shutil.rmtree(retrainings.folder(lost))
    made, real = list[tuple[int, ...]](), Retrainer.weights

    def counted(self: Retrainer, kept: tuple[int, ...], *rest: Any) -> dict[str, torch.Tensor]:
        made.append(kept)
        return real(self, kept, *rest)

    def killed(progress: Progress) -> None:
        if progress.step == "answers":
            raise KeyboardInterrupt

    monkeypatch.setattr(Retrainer, "weights", counted)
    with pytest.raises(KeyboardInterrupt):
        run_audit(again, report=killed)
    assert made == [lost.kept]
    resumed = read_dossier(run_audit(again))
    assert made == [lost.kept]
    assert resumed.effects == read_dossier(folder).effects


def test_the_cost_is_known_before_and_nothing_is_trained_for_it(index: Index, monkeypatch: pytest.MonkeyPatch):
    before = sorted(index.run.folder.rglob("*"))
    monkeypatch.setattr(Retrainer, "weights", None)
    price = prepare_audit(index, QUESTION, ANSWER, AuditPlan(pairs=1, seeds=4, groups=())).cost(workers=2)
    assert price.retrainings == 3 + 2 * 4  # all pairs under three other seeds; the pair and its control under four
    assert price.seconds is not None
    assert price.seconds > 0
    assert sorted(index.run.folder.rglob("*")) == before


def test_where_nothing_stands_out_nothing_is_trained_unless_forced(index: Index, tmp_path: Path):
    log = Log()
    found = audit(index, "Why is the sky blue?", "753!", PLAN, tmp_path / "out", report=log)
    assert (found.effects, found.shortlist) == ((), ())
    assert [(p.done, p.total) for p in log.seen if p.step == "retrainings"] == [(0, 0)]
    assert "nothing was retrained" in verdict_sentences(found)[0].lower()
    assert "Verdict" in (tmp_path / "out" / "report.html").read_text("utf-8")
    forced = prepare_audit(index, "Why is the sky blue?", "753!", replace(PLAN, force=True))
    best = int(np.argmax(score(index, [forced.query])[0]))
    assert best in forced.omissions[0].rows[0]
    assert forced.shortlist[0].level is None


def test_of_each_kind_the_first_group_goes_that_supports_and_is_not_everything(asked: PreparedAudit):
    everything = judged("file", "pairs.jsonl", range(13), 9.0)
    opposing, copies = judged("topic", "owls", [4, 5], -2.0), judged("topic", "boxes", [2, 12], 3.0)
    first, second = judged("topic", "cows", [2, 3, 12], 2.0), judged("topic", "more cows", [2, 6], 1.0)
    verdict = Verdict(asked.query, asked.lift, groups=[everything, opposing, copies, first, second])
    assert first_groups(verdict, {2, 12}, 13) == [first.group]
    assert first_groups(replace(verdict, groups=[everything]), {2, 12}, 14) == [everything.group]


def judged(kind: GroupKind, name: str, rows: Iterable[int], score: float) -> JudgedGroup:
    group = RowGroup(kind, name, np.array(list(rows)))
    return JudgedGroup(group, Judgement(0, score, 0.5, 0.001, Level.HIGH), np.zeros(len(group.rows)))


def test_the_exact_derivative_stands_beside_the_truth_or_its_refusal(
    asked: PreparedAudit, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    influence = np.arange(13.0)[None]
    rough = Smoothness(np.array([[1.0, -1.0]]), np.array([[-1.0, 1.0]]), 0.0)
    smooth = Smoothness(np.array([[1.0, -1.0]]), np.array([[1.0, -1.0]]), 0.0)
    wanted = replace(asked, plan=replace(PLAN, exact=True))
    assert wanted.replays == 10
    monkeypatch.setattr(auditing, "exact_derivative", lambda *_: ExactDerivative(influence, smooth))
    told = read_dossier(run_audit(wanted, tmp_path / "smooth"))
    assert told.effects[0].exact == 2 + 12
    assert told.exact is not None
    assert (told.exact.refusal, told.exact.agreement) == (None, pytest.approx(1))
    assert "exact" in (tmp_path / "smooth" / "report.md").read_text("utf-8").split("left out")[1].splitlines()[0]
    monkeypatch.setattr(auditing, "exact_derivative", lambda *_: ExactDerivative(influence, rough))
    refused = read_dossier(run_audit(wanted, tmp_path / "rough"))
    assert refused.effects[0].exact is None
    assert "needs a smooth training" in (tmp_path / "rough" / "report.html").read_text("utf-8")


def test_what_cannot_be_audited_is_refused_before_anything_is_computed(index: Index, tmp_path: Path):
    with pytest.raises(DataError, match="question must not be empty"):
        audit(index, "  ")
    with pytest.raises(TrainingError, match="at least 1 pair and 1 seed"):
        AuditPlan(seeds=0)
    with pytest.raises(DataError, match="leaves out a file or a topic"):
        AuditPlan(groups=("duplicates",))
    imported = replace(index.run.manifest, config={**index.run.manifest.config, "imported": True})
    with pytest.raises(TrainingError, match="was trained elsewhere"):
        audit(replace(index, run=Run(index.run.folder, imported)), QUESTION)
