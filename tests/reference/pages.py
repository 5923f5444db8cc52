"""Pages of the reference that are made from the code: commands, keys, rules."""

from collections.abc import Iterator

import click
from pydantic import BaseModel

from index_builder.cli import VERBS, group
from index_builder.manifests.schema import MODELS
from index_builder.model.rules import RULES

FILES = {
    "manifest": "`packages.d/<normalized-name>.yaml`", "index": "`index.yaml`", "policy": "`policies.d/*.yaml`",
    "facts": "A facts file: `check --base REV --facts FILE`",
}  # fmt: skip


def rules() -> str:
    """Return reference/rules.md."""
    lines = [
        "# Rules",
        "",
        "What `check`, `build` and `add` find has one of these ids; every form of a report gives it, JSON, SARIF and markdown with a link to its place here.",
        "On a terminal, `index-builder rule NAME` shows the same.",
        "",
    ]
    for name, rule in RULES.items():
        lines += [f"## {name}", "", rule.demands, "", f"*Why:* {rule.why}", "", f"*What to do:* {rule.how}", ""]
    return "\n".join(lines).rstrip() + "\n"


def keys() -> str:
    """Return reference/keys.md: every key of every YAML file, with its meaning and an example."""
    lines = [
        "# Every key", "",
        "One table for each mapping of the [files people write](files.md), with an example of each key.",
        "A key without a default is required. Editors show the same words, from the JSON Schemas that `init` writes.", "",
    ]  # fmt: skip
    for name, model in MODELS.items():
        kind = name.partition(".")[0]
        lines += [f"## {FILES[kind]}", ""]
        for path, inner in _models(model, ""):
            lines += [f"### {kind}: `{path}`" if path else f"### {kind}: the file itself", "", _sentence(inner), ""]
            lines += ["| key | meaning | example | default |", "|---|---|---|---|", *_rows(inner), ""]
    return "\n".join(lines).rstrip() + "\n"


def _models(model: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        for inner, mark in _inner(field.annotation):
            key = field.alias or name.removesuffix("_").replace("_", "-")
            yield from _models(inner, f"{path}.{key}{mark}".lstrip("."))


def _inner(annotation, mark: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    """Yield the models in a field's type, with how a path shows that there may be several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, mark
    for number, argument in enumerate(getattr(annotation, "__args__", ())):
        origin = getattr(annotation, "__origin__", None)
        deeper = ".*" if origin is dict and number == 1 else "[]" if origin is list else ""
        yield from _inner(argument, mark + deeper)


def _sentence(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _rows(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = field.alias or name.removesuffix("_").replace("_", "-")
        default = "" if field.is_required() else _default(field.default)
        meaning = (field.description or "").replace("|", "\\|")
        yield f"| `{key}` | {meaning} | `{field.examples[0]}` | {default} |"


def _default(value: object) -> str:
    if isinstance(value, BaseModel):
        return "`{" + ", ".join(f"{key}: {item}" for key, item in value.model_dump().items()) + "}`"
    return "none" if value in (None, "", [], {}) else f"`{value}`"


def commands(sessions: dict[str, str]) -> str:
    """Return reference/commands.md: what each verb's --help says, and a terminal session of it."""
    lines = [
        "# Commands", "",
        "What `index-builder VERB --help` says, and a session of each verb as a terminal shows it.",
        "Results go to standard output, everything else to standard error; progress is shown on a terminal only.", "",
        "| exit code | meaning |", "|---|---|", "| 0 | fine |", "| 1 | problems were found |", "| 2 | wrong usage |",
        "| 3 | something remote failed |", "| 4 | trust failed |", "| 10 | fine, but a human must decide |", "| 130 | interrupted |", "",
    ]  # fmt: skip
    for verb, summary in VERBS.items():
        command = group.get_command(click.Context(group), verb)
        lines += [f"## {verb}", "", summary, ""]
        inner = command.commands if isinstance(command, click.Group) else {}
        for name, one in {"": command, **inner}.items():
            lines += ["```text", help_of(one, f"index-builder {verb} {name}".strip()), "```", ""]
        lines += ["```text", sessions[verb], "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def help_of(command: click.Command, path: str) -> str:
    """Return the help of a command as `--help` prints it, 100 columns wide."""
    context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100, help_option_names=["-h", "--help"])
    return command.get_help(context).strip()
