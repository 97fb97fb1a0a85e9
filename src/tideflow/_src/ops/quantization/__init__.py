"""Numbers of few bits that stand for real ones: making, computing with and simulating them."""
