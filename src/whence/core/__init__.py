"""Tensors in, tensors out: the algebra of attribution. No files, no models, no network."""
