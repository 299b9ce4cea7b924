"""Calls, conferences and media streams."""
