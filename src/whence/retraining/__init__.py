"""A run retrained on subsets of its pairs: the retrainings, kept beside it, and measurements on them."""
