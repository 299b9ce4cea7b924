"""Encrypted transports that carry other protocols."""
