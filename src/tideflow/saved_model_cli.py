"""Shows, runs and scans SavedModels from the command line: ``python -m tideflow.saved_model_cli``."""

from __future__ import annotations

import sys

from tideflow._src.tools.saved_model_cli import main as main

if __name__ == "__main__":
    sys.exit(main())
