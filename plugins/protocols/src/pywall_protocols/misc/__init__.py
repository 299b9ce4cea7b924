"""Protocols that a fixed beginning tells, in one table."""
