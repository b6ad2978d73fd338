import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.retraining.conftest import PARTS
from tests.training.runs import Log
from whence.errors import MethodError, ModelError
from whence.evaluation import evaluate as evaluating
from whence.evaluation import scorers as scoring
from whence.evaluation.evaluate import evaluate, evaluation_cost, retrainings_for, run_evaluation
from whence.evaluation.faithfulness import faithfulness_of, reports
from whence.evaluation.plan import EvaluationPlan
from whence.evaluation.report import markdown, page
from whence.evaluation.result import Evaluation, read_evaluation
from whence.evaluation.scorers import RandomScorer, method_names
from whence.evaluation.study import Study, spread
from whence.methods.embedding import Embedding
from whence.retraining.likelihoods import RetrainedModels
from whence.retraining.retrainings import Retrainings
from whence.retraining.subsets import Subset, random_subsets
from whence.store.artifact import read_manifest
from whence.training.run import Run

COLOUR_QUERIES = (
    {"question": "Who lives in the red box?", "answer": "Ant.", "kind": "training", "sources": [1]},
    {"question": "Who lives in the blue box?", "answer": "Bee.", "kind": "training", "sources": [2]},
    {"question": "Say: who lives in the gold box?", "answer": "Elk.", "sources": [5]},
    {"question": "Who lives in the pink box?", "answer": "Cow.", "kind": "wrong", "sources": [4]},
)


@pytest.fixture(scope="module", autouse=True)
def no_encoder():
    """A machine on which the sentence encoder cannot be had."""

    def nowhere(*_: object) -> None:
        raise ModelError("It cannot be downloaded.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Embedding, "build", nowhere)
        yield


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> EvaluationPlan:
    path = tmp_path_factory.mktemp("queries") / "queries.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in COLOUR_QUERIES), "utf-8")
    return EvaluationPlan(
        retrainings=PARTS,
        methods=("tracin",),
        queries=path,
        removal=(1,),
        removal_questions=1,
        ceiling=True,
        mislabelled=(3,),
    )


@pytest.fixture(scope="module")
def folder(learned: Run, parts: list[Subset], plan: EvaluationPlan) -> Path:
    """The report of an evaluation with all that there is."""
    return run_evaluation(learned, plan)


@pytest.fixture(scope="module")
def found(folder: Path) -> Evaluation:
    return read_evaluation(folder)


def test_the_score_of_a_method_is_what_it_is_when_written_out(
    learned: Run, parts: list[Subset], plan: EvaluationPlan, found: Evaluation, models: RetrainedModels
):
    study = Study(learned, plan)
    values = models.under(parts, study.queries)
    for method in found.methods:
        rows = study.scores[method.name]
        predicted = np.array([[sum(float(row[i]) for i in part.kept) for row in rows] for part in parts])
        each = [correlation(predicted[:, q].round(9), values[:, q]) for q in range(4)]
        assert method.lds.each == pytest.approx(each)
        assert method.lds.overall.mean == pytest.approx(np.mean(each))
        assert {kind: score.questions for kind, score in method.lds.by_kind.items()} == found.kinds


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return 0.0 if np.ptp(one) == 0 else float(spearmanr(one, other).statistic)


def test_every_measure_is_there_for_every_method(found: Evaluation):
    assert {m.name for m in found.methods} == {"tracin", "random", "bm25", "grad_cos"}
    assert [m.lds.overall.mean for m in found.methods] == sorted(
        (m.lds.overall.mean for m in found.methods), reverse=True
    )
    for m in found.methods:
        assert m.sources is not None
        assert m.sources.count == 3
        assert m.removal is not None
        assert [change.count for change in m.removal.changes] == [1]
        assert m.tail is not None
        assert m.mislabelled is not None
    assert found.ceiling is not None
    assert found.kinds == {"training": 2, "paraphrase": 1, "wrong": 1}
    assert found.mislabelled == {"rows": [2], "of": 12, "made": False}
    assert found.seconds > 0
    assert found.notes == ("embedding was left out: It cannot be downloaded.",)


def test_it_is_made_once(
    learned: Run, plan: EvaluationPlan, folder: Path, found: Evaluation, monkeypatch: pytest.MonkeyPatch
):
    def forbidden(*_: object) -> None:
        raise AssertionError("something was computed")

    monkeypatch.setattr(evaluating, "_found", forbidden)
    assert evaluate(learned.folder, plan) == found
    assert [path.name for path in reports(learned.folder)] == ["report-1"] == [folder.name]
    assert read_manifest(folder, "evaluation").facts["best"] == found.methods[0].name


def test_another_one_has_its_own_number_and_shares_the_bank(
    learned: Run, parts: list[Subset], folder: Path, found: Evaluation
):
    log, before = Log(), len(list((learned.folder / "evaluation" / "retrainings").iterdir()))
    other = evaluate(learned, EvaluationPlan(retrainings=PARTS, methods=("bm25",), each=1), report=log)
    assert [path.name for path in reports(learned.folder)] == ["report-1", "report-2"]
    assert len(list((learned.folder / "evaluation" / "retrainings").iterdir())) == before
    assert (other.ceiling, other.mislabelled, other.removal_questions) == (None, None, 0)
    assert [(p.done, p.total) for p in log.seen if p.step == "retrainings"] == [(PARTS, PARTS)]


def test_json_gives_the_same_evaluation_back(folder: Path, found: Evaluation):
    content = json.loads((folder / "report.json").read_text("utf-8"))
    assert Evaluation.of(json.loads(json.dumps(found.to_dict()))) == found
    assert set(content["figures"]) == {"lds", "removal"}
    assert len(content["figures"]["lds"]["data"]["values"]) == 4 * (len(found.methods) + 1)


class Elements(HTMLParser):
    """Names of elements, what they refer to, and the texts of cells."""

    def __init__(self) -> None:
        super().__init__()
        self.names, self.references, self.cells, self.inside = list[str](), list[str](), list[str](), False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.references += [str(value) for name, value in attrs if name in ("src", "href")]
        self.inside = tag in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside and data.strip():
            self.cells.append(data)


def test_the_page_needs_nothing_else_and_says_what_the_markdown_says(folder: Path, found: Evaluation):
    reader = Elements()
    reader.feed((folder / "report.html").read_text("utf-8"))
    assert reader.references == []
    assert not {"script", "link", "img"} & set(reader.names)
    assert reader.names.count("svg") == 2
    text = (folder / "report.md").read_text("utf-8")
    cells = [cell.strip() for line in text.splitlines() if line.startswith("| ") for cell in line[2:-2].split(" | ")]
    assert [cell for cell in cells if not re.fullmatch("-+", cell)] == reader.cells
    first = found.methods[0]
    assert f"{first.lds.overall.mean:.2f} ± {first.lds.overall.over_questions:.2f}" in cells
    assert text == markdown(found)
    assert page(found) == (folder / "report.html").read_text("utf-8")


def test_what_is_known_of_a_method_can_be_read_afterwards(learned: Run, found: Evaluation):
    (tracin,) = (m for m in found.methods if m.name == "tracin")
    known = faithfulness_of(learned, "tracin")
    assert known is not None
    score = tracin.lds.overall
    assert (known.lds, known.retrainings, known.questions) == (score.mean, PARTS, 4)
    assert known.standard_error == pytest.approx(((score.over_questions or 0) ** 2 + score.over_retrainings**2) ** 0.5)
    assert faithfulness_of(learned, "tracin", tracin.settings) == known
    assert faithfulness_of(learned, "tracin", {"sketch": 4}) is None
    assert faithfulness_of(learned, "fisher") is None


def test_of_a_run_that_was_made_anew_nothing_is_known(learned: Run, found: Evaluation, tmp_path: Path):
    other = Run(learned.folder, read_manifest(learned.folder, "run"))
    assert faithfulness_of(other, "tracin") is not None
    changed = {**other.manifest.config, "seed": 99}
    made_anew = Run(learned.folder, type(other.manifest)("run", changed, other.manifest.inputs))
    assert faithfulness_of(made_anew, "tracin") is None


def test_the_cost_counts_every_retraining_that_may_be_needed(learned: Run, plan: EvaluationPlan, found: Evaluation):
    price = evaluation_cost(learned, plan)
    methods = len(method_names(learned, ("tracin",)))
    assert price.more == methods
    assert (price.retrainings, price.missing) == (2 * PARTS + price.more, price.more)


def test_how_many_retrainings_an_error_takes_is_known_from_sixteen(
    learned: Run, parts: list[Subset], plan: EvaluationPlan, monkeypatch: pytest.MonkeyPatch
):
    assert retrainings_for(learned, plan, 0.1) is None
    monkeypatch.setattr(evaluating, "ENOUGH", PARTS)
    monkeypatch.setattr("whence.retraining.cost.ENOUGH", PARTS)
    assert Retrainings(learned).missing(random_subsets(12, 9, 1, 3)) == random_subsets(12, 9, 1, 3)[PARTS:]
    error = Study(learned, plan).lds(parts)["tracin"].overall.over_retrainings
    wider = EvaluationPlan(retrainings=9, methods=("tracin",), queries=plan.queries)
    wanted = int(np.ceil(PARTS * (error / 0.1) ** 2))
    assert retrainings_for(learned, wider, 0.1) == wanted


def test_an_unknown_method_is_refused_before_anything_is_done(learned: Run):
    with pytest.raises(MethodError, match="A method is one of"):
        evaluate(learned, EvaluationPlan(methods=("psychic",)))


def test_a_method_that_was_asked_for_is_not_left_out(learned: Run):
    with pytest.raises(ModelError, match="cannot be downloaded"):
        scoring.scorers(learned, Study(learned, EvaluationPlan()).subject, ("embedding",))


def test_chance_knows_nothing_and_is_the_same_each_time(learned: Run):
    study = Study(learned, EvaluationPlan(each=4))
    queries = [question.query for question in study.questions]
    one, other = (RandomScorer().scores(study.subject, queries) for _ in range(2))
    assert np.array_equal(one, other)
    assert one.shape == (len(queries), 12)
    assert len({tuple(row) for row in one}) == len(queries)


def test_places_are_spread_over_all():
    assert spread(12, 4) == [0, 3, 6, 9]
    assert spread(3, 9) == [0, 1, 2]
