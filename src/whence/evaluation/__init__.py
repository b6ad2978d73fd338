"""How faithful the scores of a run are, measured by retraining on parts of its pairs."""
