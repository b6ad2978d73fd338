"""A run trained again on parts of its pairs: the retrainings, kept beside it, and what is measured on them."""
