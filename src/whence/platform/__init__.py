"""What the service keeps and runs: the database, files, jobs, keys and processes. Imports no torch."""
