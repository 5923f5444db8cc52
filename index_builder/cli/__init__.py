"""One file a verb: parse, call, print. This one finds the verb and turns errors into words and exit codes."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from keyword import iskeyword
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

import click

from index_builder import __version__

if TYPE_CHECKING:
    from index_builder.errors import IndexBuilderError

PROGRAM: Final = "index-builder"
#: verb -> one line of help. The verb's module is imported only when it is used.
VERBS: Final = {
    "init": "Start an index repository.",
    "add": "Add files to manifests, pinned by digest.",
    "bump": "Add what is newer where manifests say to look.",
    "import": "Turn a package list of dumb-pypi into manifests.",
    "yank": "Mark a release as yanked, or take the mark away.",
    "remove": "Take a project, release or file away for good.",
    "check": "Judge manifests, policies and the bytes they pin, or a change.",
    "pull": "Judge pull requests on GitHub, and do what follows.",
    "previews": "Show pull requests to others, at a place of their own.",
    "preview": "Show the index as it would be with a change merged.",
    "build": "Build the index of each audience into a folder.",
    "sign": "Sign a built tree, so that clients can check it.",
    "publish": "Build, sign, and let readers get it at every target.",
    "rollback": "Let readers get an earlier commit again, and stay there.",
    "mirror-check": "Compare what targets serve, byte for byte.",
    "keys": "Hold the ceremony: who may sign, and who must.",
    "verify": "Check an index against its signatures.",
    "proxy": "Let an installer see only what was checked.",
    "status": "Mark a project as archived, deprecated, quarantined or active.",
    "owners": "Add or remove an owner of a project.",
    "prune": "Remove old pre-releases of a project.",
    "migrate": "Bring manifests, policies and index.yaml to the present form.",
    "stamp": "Set the upload time of new files to now.",
    "doctor": "Say what is missing in the settings on GitHub.",
    "serve": "Serve a built index on this machine, to try it.",
    "pool": "Check the pool, clear it out, hand in bytes.",
    "host-config": "Write the configuration of a host that serves the index.",
    "client-config": "Write the settings of an installer that uses the index.",
    "list": "Show every project, a line each.",
    "show": "Show all that a manifest says of its project.",
    "search": "Find projects by words in their manifests.",
    "can": "Say whether somebody may do something, and why.",
    "who": "Say who may do something, and by which rules.",
    "rule": "Explain a rule that a finding names.",
    "policy": "Judge past merges by the present policies; write CODEOWNERS.",
    "diff": "Say what an index gains and loses between two revisions.",
    "schema": "Print the JSON Schemas of the YAML files.",
    "completion": "Print the completion script of a shell.",
}


class _Verbs(click.Group):
    """Loads a verb when it is asked for, and suggests one when it is mistyped."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return [*VERBS]  # the verb `list` is a module of this package, and hides the built-in here

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"index_builder.cli.{name.replace('-', '_')}{'_' * iskeyword(name)}").command
        return command

    def resolve_command(self, context: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches  # noqa: PLC0415 - for a mistake only

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else f" The commands are: {', '.join(VERBS)}."
            context.fail(f"There is no command '{args[0]}'.{hint}")
        return super().resolve_command(context, args)

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name=PROGRAM)
def group() -> None:
    """A git repository of YAML manifests becomes a static Python package index.

    \b
    Begin:  index-builder init my-index
            cd my-index
            index-builder add --pypi six
            index-builder build --worktree
            index-builder serve
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 fine, 1 problems, 2 wrong usage, 3 remote failure, 10 a human is needed, 130 interrupted."""
    signal.signal(signal.SIGTERM, _terminated)
    code = run(arguments)
    gc.freeze()  # all goes with the process: to look through it once more for cycles took 50 ms
    sys.exit(code)


def _in_our_words(error: click.ClickException) -> IndexBuilderError:
    """Return what click finds wrong as every other error is told; what is near a mistyped word is named."""
    from difflib import get_close_matches  # noqa: PLC0415 - for a mistake only

    from index_builder.errors import UsageError  # noqa: PLC0415

    context = getattr(error, "ctx", None)
    fix = f"see {context.command_path} --help" if context else ""
    message, _, hint = " ".join(error.format_message().split()).partition(" Did you mean ")
    if hint:
        fix = f"did you mean {hint.removesuffix('?')}?"
    if isinstance(error, click.NoSuchOption):
        message = f"there is no option {error.option_name}"
        fix = f"did you mean {' or '.join(sorted(error.possibilities))}?" if error.possibilities else fix
    elif isinstance(error, click.MissingParameter) and error.param is not None:
        message = f"{_called(error.param)} is missing"
        fix = f"for example: {example}" if (example := _example(context)) else fix
    elif isinstance(error, click.BadParameter) and error.param is not None and isinstance(error.param.type, click.Choice):
        near = get_close_matches(error.message.split("'")[1], [str(choice) for choice in error.param.type.choices], n=1)
        message, fix = error.message, f"did you mean '{near[0]}'?" if near else fix
    message = message.removesuffix(".")
    return UsageError(message[:1].lower() + message[1:] if message[1:2].islower() else message, fix=fix)


def _called(parameter: click.Parameter) -> str:
    """Return what a parameter is called in its command's help."""
    if isinstance(parameter, click.Option):
        return parameter.opts[-1]
    return (parameter.metavar or str(parameter.name).upper()).removesuffix("...")


def _example(context: click.Context | None) -> str:
    """Return the first example of a command's help."""
    lines = ((context.command.help or "") if context else "").splitlines()
    return next((line.strip() for line in lines if line.strip().startswith(f"{PROGRAM} ")), "")


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    from index_builder.cli.console import show_error  # noqa: PLC0415 - rich is slow to import, --help needs none of it
    from index_builder.errors import IndexBuilderError, InterruptedRunError  # noqa: PLC0415

    # Builds keep millions of small values, none of them in a cycle: looking through all of them again and again took a
    # third of the time (measured with 10,000 projects). Young ones are still collected.
    gc.set_threshold(100_000, 50, 1000)
    # What else is installed has no say in what a manifest means, and pydantic would look through all of it.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        # What a command returns is nothing, but click returns what was given to `Context.exit`.
        code: int | None = group.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        show_error(_in_our_words(error))
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        show_error(InterruptedRunError("stopped", fix="run the command again: it goes on from what is already verified"))
        return InterruptedRunError.exit_code
    except IndexBuilderError as error:
        show_error(error)
        return error.exit_code
    except OSError as error:
        # Everything that commands read and write is wrapped; what is left is their own output.
        show_error(IndexBuilderError(f"the result cannot be written: {error.strerror or error}"))
        return IndexBuilderError.exit_code
    return code or 0
