"""Base models: sources, loading, generation, adapters and measured layers."""
