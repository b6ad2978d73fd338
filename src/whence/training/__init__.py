"""Fine-tuning, and the trace of it that attribution needs."""
