from transformers.utils import logging

from whence.models.quiet import quiet


def test_bars_and_warnings_are_off_inside_and_as_before_afterwards():
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with quiet():
        assert logging.get_verbosity() == logging.ERROR
        assert not logging.is_progress_bar_enabled()
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (level, bars)
