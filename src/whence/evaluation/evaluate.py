"""Faithfulness by retraining: what a run's attributions predict, compared with models retrained on subsets.

<run>/evaluation/report-<n>/manifest.json, report.json, report.md, report.html
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from whence.evaluation.faithfulness import KIND, reports
from whence.evaluation.mislabel import Mislabelled
from whence.evaluation.plan import EvaluationPlan
from whence.evaluation.report import write_report
from whence.evaluation.result import Evaluation, MethodResult, read_evaluation
from whence.evaluation.scorers import indexes, method_names
from whence.evaluation.study import Study, found_first
from whence.evaluation.tail_patch import tail_patches
from whence.retraining.cost import ENOUGH, Cost, cost_of, needed_retrainings
from whence.retraining.retrain import recipe_of
from whence.retraining.retrainings import Retrainings
from whence.store.artifact import Manifest, make, read_manifest
from whence.training.run import Run
from whence.types import Report, silent


def evaluate(
    run: Run | str | Path, plan: EvaluationPlan | None = None, workers: int = 1, report: Report = silent
) -> Evaluation:
    """Measure how faithful the methods are on a run; a finished evaluation is returned as it is.

    The model is retrained on many subsets of its pairs, in `workers` processes. Each retraining is kept beside the
    run: an interrupted evaluation continues with the next one, and none is repeated. Later attributions of the run
    report the result.

    Raises:
        DataError: the file of questions breaks a rule.
        MethodError: a method is unknown.
        TrainingError: the run was trained elsewhere and has no stand-in, so its recipe is not known.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    return read_evaluation(run_evaluation(opened, plan or EvaluationPlan(), workers, report))


def run_evaluation(run: Run, plan: EvaluationPlan, workers: int = 1, report: Report = silent) -> Path:
    """Evaluate a run and return the folder of the report; a finished one is reused."""
    study = Study(run, plan, workers, report)
    wanted = _manifest(study)
    there = reports(run.folder)
    for folder in reversed(there):
        if read_manifest(folder, KIND).key == wanted.key:
            return folder
    number = max((int(folder.name.rpartition("-")[2]) for folder in there), default=0) + 1
    folder = run.folder / "evaluation" / f"report-{number}"

    def work(part: Path) -> Mapping[str, Any]:
        found = _found(study)
        write_report(found, part)
        return {"best": found.methods[0].name, "lds": found.methods[0].lds.overall.mean}

    make(folder, wanted, work)
    return folder


def evaluation_cost(run: Run, plan: EvaluationPlan, workers: int = 1) -> Cost:
    """Return the cost of an evaluation before it starts.

    Raises:
        TrainingError: the run was trained elsewhere.
        MethodError: a method is unknown.
    """
    names = method_names(run, plan.methods)
    removals = len(names) * min(plan.removal_questions, _asked(run, plan)) * len(plan.removal)
    return cost_of(run, [*plan.parts(run), *plan.again(run)], removals, workers)


def retrainings_for(run: Run, plan: EvaluationPlan, error: float, report: Report = silent) -> int | None:
    """Return the number of retrainings that reduces the first method's standard error over retrainings to `error`.

    Estimated from the plan's finished retrainings; None if there are fewer than 16.
    """
    parts = plan.parts(run)
    missing = set(Retrainings(run).missing(parts))
    made = [part for part in parts if part not in missing]
    if len(made) < ENOUGH:
        return None
    name = method_names(run, plan.methods)[0]
    found = Study(run, replace(plan, methods=(name,)), report=report).lds(made)[name]
    return needed_retrainings(len(made), found.overall.over_retrainings, error)


def _asked(run: Run, plan: EvaluationPlan) -> int:
    return len(Study(run, plan).asked)


def _manifest(study: Study) -> Manifest:
    run, plan = study.run, study.plan
    recipe_of(run)  # before anything else: without it nothing can be evaluated
    there = indexes(run)
    methods = {name: there[name].settings if name in there else None for name in method_names(run, plan.methods)}
    asked = [asdict(one) for one in study.asked]
    settings = {**asdict(plan), "methods": methods, "queries": asked}
    return Manifest(KIND, settings, {"run": run.manifest.key})


def _found(study: Study) -> Evaluation:
    parts, again = study.plan.parts(study.run), study.plan.again(study.run)
    scores, scorers = study.scores, study.scorers
    scored = study.lds(parts)
    second, removal = study.again(parts, again), study.removal()
    tail = tail_patches(study.models, scores, study.queries, study.plan.tail, study.report)
    known, wrong = study.mislabelled()
    # No pair taught a wrong answer: naming the pair of its question would be text search.
    sources = [() if question.kind == "wrong" else question.sources for question in study.questions]
    methods = [
        MethodResult(
            s.name,
            s.settings,
            scored[s.name],
            found_first(scores[s.name], sources),
            removal.get(s.name),
            tail[s.name],
            wrong.get(s.name),
        )
        for s in scorers
    ]
    seconds = Retrainings(study.run).seconds([*parts, *again])
    return Evaluation(
        run=study.run.folder.resolve().name,
        pairs=len(study.run.examples),
        retrainings=len(parts),
        fraction=study.plan.fraction,
        seed=study.plan.seed,
        tail_pairs=study.plan.tail,
        removal_questions=min(study.plan.removal_questions, len(study.questions)) if removal else 0,
        seconds=sum(seconds.values()),
        questions=tuple(_question(study, place) for place in range(len(study.questions))),
        methods=tuple(sorted(methods, key=lambda found: -found.lds.overall.mean)),
        ceiling=second,
        mislabelled=_mislabelled(known),
        notes=tuple(study.notes),
    )


def _question(study: Study, place: int) -> dict[str, Any]:
    question = study.questions[place]
    query = question.query
    return {
        "question": query.question,
        "answer": query.answer,
        "kind": question.kind,
        "sources": [study.run.examples[row].line for row in question.sources],
    }


def _mislabelled(known: Mislabelled | None) -> dict[str, Any] | None:
    return {"rows": list(known.rows), "of": known.of, "made": known.made} if known else None
