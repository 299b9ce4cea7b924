"""Packets inside packets: virtual private networks, overlays, proxies."""
