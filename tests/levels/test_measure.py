from pathlib import Path

import torch
from torch import nn

from whence.levels.measure import CONTROLS, control_answers, measure_null
from whence.methods.contract_subject import tiny_subject
from whence.methods.fisher import FisherInfluence
from whence.types import silent


def test_a_model_tuned_to_silence_still_gets_its_null(tmp_path: Path):
    subject, method = tiny_subject(tmp_path / "path"), FisherInfluence(sketch=256)
    end = subject.trajectory.tokenizer.eos_token_id
    head = subject.trajectory.model.get_output_embeddings()
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        head.bias = nn.Parameter(
            torch.nn.functional.one_hot(torch.tensor(end), head.out_features) * 1e4, requires_grad=False
        )
    assert all(answer.text for answer in control_answers(subject, silent))
    (tmp_path / "index").mkdir()
    method.build(subject, tmp_path / "index", silent)
    null = measure_null(subject, method, tmp_path / "index", silent)
    assert len(null.drift) == CONTROLS
