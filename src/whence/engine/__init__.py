"""Processes that hold a model and answer: started, asked, and ended when memory runs short."""
