"""Types of calls: pyright looks at typed_calls, here it runs."""

from tests.nn import typed_calls


def test_what_the_type_checker_sees_runs():
    typed_calls.run()
