"""Signing in to a network and its directories: authentication, authorization, accounting."""
