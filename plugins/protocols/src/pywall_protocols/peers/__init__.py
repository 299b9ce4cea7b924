"""Peer-to-peer networks."""
