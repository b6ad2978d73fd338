"""Read data files into normalised, tokenised examples and report every faulty line. Does not load models."""
