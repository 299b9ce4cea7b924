"""Announcing and finding names, hosts and services."""
