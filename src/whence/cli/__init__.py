"""The command line: parse, call the pipeline, show. One module a command; heavy imports wait inside them."""
