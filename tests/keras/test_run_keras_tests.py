"""The runner of Keras's own tests, from its command line to its table, over folders of tests made here."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

_FILES = {
    "ops/sums_test.py": """
        import sys

        class TestSums:
            def test_passes(self):
                pass

            def test_fails_on_tideflow(self):
                assert "tideflow" not in sys.modules

        def test_fails():
            assert False

        def test_wants_a_network():
            assert False
    """,
    "ops/broken_test.py": "import nothing_of_this_name",
    "losses/losses_test.py": "def test_passes():\n    pass",
    "utils/ends_test.py": "import os; os._exit(7)",
}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("only_failures", [False, True])
def test_the_table_tells_what_fails_on_tideflow_alone(only_failures: bool, tmp_path: pathlib.Path) -> None:
    for name, text in _FILES.items():
        path = tmp_path / "checkout" / "keras" / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip())
        path.write_text("\n".join(line[indent:] for line in lines))
    reports = tmp_path / "reports"
    program = pathlib.Path(__file__).with_name("run_keras_tests.py")
    command = [sys.executable, str(program), str(tmp_path / "checkout"), "ops", "losses/losses_test.py", "utils"]
    command += ["--reports", str(reports), "--tensorflow", sys.executable, "--leave-out", "wants_a_network"]
    command += ["--only-failures"] if only_failures else []

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True)

    told = run()
    assert told.returncode == 1, told.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.stdout.splitlines() if line[:2] == "| "]
    assert rows[1:] == [["`losses`", "1", "1", "0"], ["`ops`", "1", "2", "1"], ["all", "2", "3", "1"]]
    assert "66.67% of the tests" in told.stdout
    assert "fails on Tideflow alone: keras/src/ops/sums_test.py::TestSums::test_fails_on_tideflow" in told.stdout
    assert told.stdout.count("not run to its end: utils did not run on tideflow") == 1
    assert "wants_a_network" not in told.stdout
    assert 'name="keras.src.ops.broken_test"' in (reports / "tideflow" / "ops.xml").read_text()
    assert (reports / "tensorflow" / "losses.losses_test.py.xml").exists() != only_failures

    if only_failures:
        return
    # What has a report is not run again: that the tests now pass is not seen until the report goes.
    (tmp_path / "checkout/keras/src/ops/sums_test.py").write_text("def test_fails(): pass")
    (tmp_path / "checkout/keras/src/utils/ends_test.py").write_text("def test_passes(): pass")
    (tmp_path / "checkout/keras/src/ops/broken_test.py").unlink()
    assert "fails on Tideflow alone" in run().stdout
    (reports / "tideflow" / "ops.xml").unlink()
    told = run()
    assert told.returncode == 0, told.stdout
    assert "`utils`" in told.stdout
