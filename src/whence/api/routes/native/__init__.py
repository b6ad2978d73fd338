"""Routes in Whence's own words: everything that it knows."""
