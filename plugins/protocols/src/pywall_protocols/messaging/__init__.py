"""Message brokers and devices that report to them."""
