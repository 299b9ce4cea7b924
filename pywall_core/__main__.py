"""``python -m pywall_core``: the command ``pywall``."""

import sys

from .cli import main

sys.exit(main())
