"""Other libraries for training data attribution beside Whence: the same adapter, tokens, questions and retrainings.

    make peers
    python -m benchmarks.peers.compare RUN

Each contender runs in a process of its own on one thread, one after the other. The modules named after a library run in
the environment that `make peers` sets up (`.venv/peers`), where Whence is not installed; `material` is shared code.
"""
