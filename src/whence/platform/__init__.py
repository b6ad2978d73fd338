"""The state of the service and its supervisor: the database, files, jobs, deployments and keys. Imports no torch."""
