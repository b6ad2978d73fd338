from dataclasses import replace

import pytest

from whence.errors import TrainingError
from whence.evaluation.plan import EvaluationPlan
from whence.retraining.subsets import random_subsets
from whence.training.run import Run


def test_a_plan_draws_the_same_parts_and_a_ceiling_the_same_with_another_seed(learned: Run):
    plan = EvaluationPlan(retrainings=3)
    assert plan.parts(learned) == random_subsets(12, 3, 1, 3)
    assert plan.again(learned) == []
    again = replace(plan, ceiling=True).again(learned)
    assert [(subset.kept, subset.seed) for subset in again] == [(subset.kept, 4) for subset in plan.parts(learned)]


def test_a_plan_that_cannot_be_is_refused(learned: Run):
    with pytest.raises(TrainingError, match="at least 3 retrainings"):
        EvaluationPlan(retrainings=2)
    with pytest.raises(TrainingError, match="must hold some pairs but not all"):
        EvaluationPlan(fraction=1)
    with pytest.raises(TrainingError, match="must leave one of the run's 12 pairs"):
        EvaluationPlan(removal=(1, 12)).parts(learned)
