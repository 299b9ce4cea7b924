"""Plain data that every other package works on: packets, flows, verdicts, rule kinds, errors."""
