"""Fine-tuning, and the trace that attribution needs."""
