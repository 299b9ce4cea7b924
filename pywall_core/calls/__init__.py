"""Calls into plugins: who makes them, and what happens when they raise."""
