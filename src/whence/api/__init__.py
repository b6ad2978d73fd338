"""The REST API: validates, records, starts jobs, asks engines, streams. Imports no torch."""
