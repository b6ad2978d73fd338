import numpy as np
import pytest

from whence.levels.control_scores import ControlScores
from whence.levels.null import fit_null
from whence.levels.verdict import Evidence
from whence.methods.contract_subject import tiny_subject
from whence.methods.fisher import FisherInfluence
from whence.types import Query, silent


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """A really built index of the tiny trained subject; its controls are numbers, of which no pair knows any."""
    place = tmp_path_factory.mktemp("evidence")
    subject, method = tiny_subject(place / "path"), FisherInfluence(sketch=256)
    (place / "index").mkdir()
    method.build(subject, place / "index", silent)
    controls = [Query.of(f"{i}?", f"{i * 7919 % 1000}!") for i in range(12)]
    scores = method.score(subject, place / "index", controls)
    null = fit_null(scores, np.zeros(len(controls)))
    ControlScores.of(scores).save(place / "index", null)
    return Evidence(subject, method, place / "index", null)
