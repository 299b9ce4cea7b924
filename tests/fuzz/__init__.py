"""Coverage-guided fuzzing: `make fuzz` runs each target for a while (TARGET=decoder SECONDS=600 for one alone)."""
