"""The run that retraining's own tests use, with its retrainings."""

from tests.retraining.conftest import learned, models, parts

__all__ = ["models", "learned", "parts"]
