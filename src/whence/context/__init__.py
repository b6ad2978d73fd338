"""What in the context made the model say that: attribution to sentences and paragraphs of a prompt."""
