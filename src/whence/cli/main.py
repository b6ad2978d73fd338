"""The command `whence`: its table of commands, and the one place where errors become exit codes.

Imports nothing heavy: a command's module is imported when the command runs, and what it needs inside it.
"""

import sys
import warnings
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from whence.cli.failures import FAILED, STOPPED, USAGE, tell, tell_stopped
from whence.cli.output import console, silence_stdout

HELP = "Which training examples made this fine-tuned model give this answer?"
START = "Start with: whence demo"
COMMANDS = {
    "check": "Count pairs and tokens, list every bad line, estimate time and disk.",
    "train": "Fine-tune a base model on question/answer pairs.",
    "index": "Measure every training pair once, so that questions can be asked.",
    "ask": "Ask a question and see which pairs made the answer.",
    "score": "Score every pair for every query of a file.",
}


def version() -> str:
    """The installed version."""
    from whence import __version__

    return __version__


app = App(
    name="whence",
    help=HELP,
    help_epilogue=START,
    help_format="plaintext",
    version=version,
    version_format="plaintext",
    default_parameter=Parameter(negative=()),
)
app["--help"].help = "Show this text. Each command has its own: whence train --help."
app["--version"].help = "Show the version."
for order, (name, summary) in enumerate(COMMANDS.items()):
    app.command(f"whence.cli.{name}:{name}", name=name, help=summary, sort_key=order)
app.command("whence.cli.models:app", name="models", help="List base models, or pull one.", sort_key=8)
app.command("whence.cli.demo:demo", name="demo", help="See all of it on a small sample.", sort_key=9)


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 used wrongly, 130 stopped by the user."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter("ignore")  # other packages' warnings are for their developers
            return run(words)
    except CycloptsError as error:
        tell(error, as_json)
        return USAGE
    except KeyboardInterrupt:
        tell_stopped(as_json)
        return STOPPED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        silence_stdout()
        return FAILED
    except Exception as error:
        if not tell(error, as_json):
            raise
        return FAILED


def run(words: Sequence[str]) -> int:
    """Parse the words and call the command they name."""
    command, bound, _ = app.parse_args(words, console=console(), print_error=False, exit_on_error=False)
    code = command(*bound.args, **bound.kwargs)
    sys.stdout.flush()
    return code if isinstance(code, int) else 0
