"""The list of methods that is read without torch, held to the methods themselves."""

import subprocess
import sys

import pytest

from whence.errors import MethodError
from whence.methods.catalog import CATALOG, MethodInfo, method_info
from whence.methods.registry import METHODS


def test_the_list_says_what_the_methods_say_in_the_same_order():
    told = [MethodInfo(name, method.unit, method.needs.checkpoints) for name, method in METHODS.items()]
    assert list(CATALOG) == told


def test_a_name_that_is_no_method_is_refused_with_those_that_are():
    assert method_info("fisher").unit == "nats"
    with pytest.raises(MethodError, match=r"fisher, tracin.*found '\.\./fisher'"):
        method_info("../fisher")


def test_reading_the_list_loads_no_torch():
    code = "import whence.methods.catalog, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
