"""The command `whence`: its table of commands, and the one place where errors become exit codes.

Imports nothing heavy: a command's module is imported when the command runs, and heavy packages inside its functions.
"""

import sys
import warnings
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from whence.cli.failures import FAILED, STOPPED, USAGE, tell, tell_stopped
from whence.cli.output import console, silence_stdout

HELP = "Which training examples made this fine-tuned model give this answer?\n\nStart with: whence demo"
AGAIN = "If the command is interrupted, run it again to resume."
COMMANDS = {
    "check": (
        "Check data: bad lines, duplicates, tokens, time and disk.",
        "Tokens, time and disk are shown if the base model has been downloaded: whence models pull NAME.",
    ),
    "train": (
        "Fine-tune a base model on question/answer pairs.",
        f"The run also keeps what later explains the model's answers. {AGAIN}",
    ),
    "index": (
        "Measure every training pair once, ready for questions.",
        "For a model that was trained elsewhere, give --base-model, --adapter, --data and --out instead of RUN. "
        f"An index is built once. {AGAIN}",
    ),
    "ask": (
        "Ask a question and see which pairs made the answer.",
        "The run must have an index: whence index RUN.",
    ),
    "score": (
        "Score every training pair for every query in a file.",
        "The output file holds `scores` [query, train] in float32, `train_ids` and `query_ids`.",
    ),
    "evaluate": (
        "Measure how faithful a run's attributions are.",
        "The model is retrained on many random halves of its pairs; --dry-run shows how long that takes. The report "
        f"is written to the run's folder. {AGAIN}",
    ),
    "audit": (
        "Check one answer's attribution by retraining without its pairs.",
        "The model is retrained without the pairs that the answer is attributed to and, for comparison, without random "
        f"ones; --dry-run shows how long that takes. The report is written to the run's folder. {AGAIN}",
    ),
    "up": (
        "Run the service: web page, REST API and jobs.",
        "The clients of SeekrFlow and OpenAI work with it; see docs/service.md.",
    ),
    "keys": ("Create, list or revoke API keys of the service.", ""),
    "models": ("List base models, or download one.", ""),
    "demo": (
        "Try everything on a small help-desk sample.",
        "Fine-tunes, builds the index and asks four questions. Run and index are kept for the next time.",
    ),
}
"""The help of each command: a summary, and further details."""
PLACES = {"models": "whence.cli.models:app", "keys": "whence.cli.keys:app"}
"""The commands that are not `whence.cli.<name>:<name>`."""


def version() -> str:
    """The installed version."""
    from whence import __version__

    return __version__


app = App(
    name="whence",
    help=HELP,
    help_format="plaintext",
    version=version,
    version_format="plaintext",
    default_parameter=Parameter(negative=()),
)
app["--help"].help = "Show this text. Each command has its own: whence train --help."
app["--version"].help = "Show the version."
for order, (name, texts) in enumerate(COMMANDS.items()):
    place = PLACES.get(name, f"whence.cli.{name}:{name}")
    app.command(place, name=name, help="\n\n".join(texts).strip(), sort_key=order)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 done, 1 failed, 2 wrong usage, 130 stopped by the user."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter("ignore")  # other packages' warnings are meant for developers
            return run(words)
    except CycloptsError as error:
        tell(error, as_json)
        return USAGE
    except KeyboardInterrupt:
        tell_stopped(as_json)
        return STOPPED
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
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
