"""Running hosts and networks: statistics, logs, clocks, remote power."""
