"""How well scores foretell retraining: data sets, banks of retrainings, methods, peers."""
