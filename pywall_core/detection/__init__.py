"""Detectors and classifiers are asked here; what they answered is kept and taken back here."""
