from pathlib import Path

import pytest

from whence.gradients.subject import Subject
from whence.methods.contract_subject import tiny_subject


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    return tiny_subject(tmp_path)
