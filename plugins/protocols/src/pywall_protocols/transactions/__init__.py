"""Parsers of transactions: what follows the first words of a connection (no detectors)."""
