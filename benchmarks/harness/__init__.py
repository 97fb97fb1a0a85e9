"""The benchmark harness: peers in worker processes, interleaved rounds, medians, targets."""
