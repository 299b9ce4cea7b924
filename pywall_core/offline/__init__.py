"""The engine over capture files, without root."""
