"""Routes in OpenAI's words, for its official client."""
