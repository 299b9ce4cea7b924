"""What detectors share: numbers and text, messages, evidence of both directions, formats inside formats."""
