"""Routers among themselves."""
