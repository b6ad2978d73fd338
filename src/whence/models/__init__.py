"""Base models: where they come from, how they load, generate and take adapters, which layers are measured."""
