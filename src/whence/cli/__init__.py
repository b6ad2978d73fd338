"""The command line: parse, call the pipeline, show. One module per command; heavy imports stand inside functions."""
