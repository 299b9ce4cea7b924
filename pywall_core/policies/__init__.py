"""Ready-made policies: ``--config policy:NAME``. The first comment line of each file says what it does."""
