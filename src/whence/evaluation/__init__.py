"""The faithfulness of a run's scores, measured by retraining on subsets of its pairs."""
