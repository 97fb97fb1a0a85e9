"""``tf.logging``: levels, the form of a message, and messages that come seldom."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tideflow.v1 as tf


@pytest.fixture
def messages(monkeypatch):
    found = []
    logger = tf.get_logger()
    level = logger.level
    monkeypatch.setattr(logger, "handle", lambda record: found.append((record.levelname, record.getMessage())))
    yield found
    logger.setLevel(level)


def test_only_messages_of_the_level_come_through(messages):
    tf.logging.set_verbosity(tf.logging.INFO)
    assert tf.logging.get_verbosity() == tf.logging.INFO
    tf.logging.debug("not this")
    tf.logging.info("step %d", 3)
    tf.logging.warn("careful")
    tf.logging.log(tf.logging.ERROR, "%s!", "wrong")
    assert messages == [("INFO", "step 3"), ("WARNING", "careful"), ("ERROR", "wrong!")]


def test_some_messages_come_seldom(messages):
    for number in range(5):
        tf.logging.log_first_n(tf.logging.ERROR, "first %d", 2, number)
        tf.logging.log_every_n(tf.logging.ERROR, "every %d", 3, number)
        tf.logging.log_if(tf.logging.ERROR, "last %d", number == 4, number)
    texts = [text for _, text in messages]
    assert texts == ["first 0", "every 0", "first 1", "every 3", "last 4"]


def test_a_message_names_its_level_and_logger():
    code = "import tideflow.v1 as tf\ntf.logging.info('not shown')\ntf.logging.warning('%s here', 'trouble')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.stderr == "WARNING:tensorflow:trouble here\n"
