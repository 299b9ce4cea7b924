"""The command ``pywall``, also as ``python -m pywall_core``: quiet about ^C from its first line to its last.

Loading the command line takes a tenth of a second, in which Python would answer ^C with a traceback. A command that
has begun gets KeyboardInterrupt, which :func:`pywall_core.cli.main` answers.
"""

import _signal  # type: ignore[import-not-found]  # the module ``signal`` takes 5 ms to load
import gc
import os
import sys


def main() -> int:
    """Run the command line of this process and return its exit code."""
    _on_interrupt(lambda *_: os._exit(130))  # INTERRUPTED of the command line, which is not loaded yet
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it would read what every distribution installs
    from .cli import main as run

    code = run(ready=lambda: _on_interrupt(_signal.default_int_handler))
    _on_interrupt(_signal.SIG_DFL)  # no Python code while the interpreter is taken down
    gc.freeze()  # which would look for garbage in all that is loaded, several times: an eighth of a short command
    return code


def _on_interrupt(handler: object) -> None:
    """Set what ^C does; one that whoever started us ignores stays ignored."""
    if _signal.getsignal(_signal.SIGINT) is not _signal.SIG_IGN:
        _signal.signal(_signal.SIGINT, handler)


if __name__ == "__main__":
    sys.exit(main())
