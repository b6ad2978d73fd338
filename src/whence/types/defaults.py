"""The defaults that every door shares: each is stated here and nowhere else."""

DEFAULT_MODEL = "smollm2-135m-instruct"
"""The base model that is fine-tuned."""
DEFAULT_METHOD = "fisher"
"""The method of attribution."""
DISCOVERY_RATE = 0.02
"""The share of the returned pairs that may be there by chance."""
ANSWER_TOKENS = 128
"""Tokens after which the model's own answer is cut off."""
