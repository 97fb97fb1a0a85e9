"""Command line flags and the entry point of 1.x programs."""

from __future__ import annotations

PROGRAM = """
import tensorflow as tf
flags = tf.app.flags
FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", "/tmp", "Where the data is.")
flags.DEFINE_integer(flag_name="steps", default_value=10, docstring="How many.")
tf.flags.DEFINE_float("rate", 0.5, "The rate.")
tf.app.flags.DEFINE_boolean("quick", False, "Whether to hurry.")
{early}
def main(argv):
    print(FLAGS.data_dir, FLAGS.steps, FLAGS.rate, FLAGS.quick, argv[1:], "steps" in FLAGS)
    return 3
if __name__ == "__main__":
    tf.app.run()
"""


def test_run_parses_the_command_line_and_calls_main(tideflow, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM.format(early=""))
    done = tideflow("--v1", "program.py", "--steps=20", "--quick", "rest")
    assert done.stdout == "/tmp 20 0.5 True ['rest'] True\n", done.stderr
    assert done.returncode == 3
    assert tideflow("--v1", "program.py", "--unknown=1").returncode == 3


def test_a_flag_read_before_run_parses_the_command_line(tideflow, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM.format(early="print(FLAGS.steps); FLAGS.rate = 2.0"))
    assert tideflow("--v1", "program.py", "--steps=5").stdout == "5\n/tmp 5 2.0 False [] True\n"


def test_a_wrong_value_ends_the_program_with_advice(tideflow, tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM.format(early=""))
    done = tideflow("--v1", "program.py", "--steps=many")
    assert done.returncode == 1
    assert "flag --steps=many: invalid literal" in done.stderr
    helped = tideflow("--v1", "program.py", "--help")
    assert "Where the data is." in helped.stdout


def test_the_program_gives_its_main(tideflow, tmp_path):
    (tmp_path / "program.py").write_text(
        "import tensorflow as tf\n"
        "def train(_): print(tf.resource_loader.load_resource('note.txt').decode())\n"
        "tf.app.run(main=train)\n"
    )
    (tmp_path / "note.txt").write_text("beside")
    assert tideflow("--v1", "program.py").stdout == "beside\n"
