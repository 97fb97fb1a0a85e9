"""``explain()`` says what was traced and why, and where it runs."""

from __future__ import annotations

import tideflow as tf


def test_it_says_what_was_traced_and_why():
    v = tf.Variable(tf.ones([4]))

    @tf.function
    def explained(x, n):
        tf.print(n, output_stream="file:///dev/null")
        return x * v + n

    explained(tf.ones(4), 1)
    explained(tf.ones(4), 1)
    explained(tf.ones(4), 2)
    found = explained.explain()
    assert found.name == "explained" and found.tracing_count == 2
    first, second = found.traces
    assert (first.cause, first.calls) == ("This was the first call.", 2)
    assert (second.cause, second.calls) == ("Argument 'n' changed from Literal[1] to Literal[2].", 1)
    assert first.captured_bytes == 16
    text = str(found)
    assert "traced 2 times" in text and "PrintV2" in text and "Literal[2]" in text
    page = found._repr_html_()
    assert page.count("<table>") == 2 and "PrintV2" in page


def test_a_function_that_was_not_called():
    assert "traced 0 times" in str(tf.function(lambda x: x).explain())
