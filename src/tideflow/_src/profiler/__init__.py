"""What a program does with its time."""
