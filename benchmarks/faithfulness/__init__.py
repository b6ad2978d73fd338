"""Agreement of scores with retraining: data sets, banks of retrainings, methods, peers."""
