"""The differentiated quantity, and per-example gradients of it from one batched pass."""
