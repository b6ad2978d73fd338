"""What is differentiated, and how the gradient of every single example is caught in one batched pass."""
