"""The run that retraining's own tests use, with its bank."""

from tests.retraining.conftest import gauge, learned, parts

__all__ = ["gauge", "learned", "parts"]
