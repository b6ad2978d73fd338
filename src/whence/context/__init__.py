"""Attribution of a response to sentences and paragraphs of its context."""
