"""Installed plugins: found, checked, loaded, registered."""
