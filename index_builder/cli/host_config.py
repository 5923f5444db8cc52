"""`host-config`: the configuration of hosts that serve an index."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from index_builder.cli import options
from index_builder.cli.console import note, stderr
from index_builder.cli.edges import COMMANDS, audiences
from index_builder.cli.settings import give, readers_told, settings_of, usage
from index_builder.errors import UsageError
from index_builder.hostconfig.order import check_order
from index_builder.hostconfig.passwords import CHOSEN_COST, MADE_COST, PasswordHash, read_passwords, write_passwords
from index_builder.hostconfig.render import environment, render
from index_builder.hostconfig.values import Certificate, HostPath, Listen, Order, Served
from index_builder.model.address import Address
from index_builder.model.names import Word
from index_builder.policy.readers import readers_of
from index_builder.wiring import configuring, shipped

if TYPE_CHECKING:
    from index_builder.model.index import Audience, Configuration
    from index_builder.policy.rules import Policies

_FOLDER: Final = "/etc/index-builder"


@click.group("host-config")
def command() -> None:
    """Write the configuration of a host that serves the index, from index.yaml and the policies.

    Who may read an audience is whoever the policies grant `download` of it. What a host cannot do stands in its file.

    \b
    Examples:
      index-builder host-config nginx --passwords ~/passwords --output /etc/index-builder
      index-builder host-config cloudfront --audience public --output .
      index-builder host-config password alice --passwords ~/passwords
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the command line says of a web server's configuration."""

    roots: tuple[str, ...]
    listen: str | None
    certificate: str | None
    key: str | None
    folder: str | None
    output: Path | None


def _server_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add what `nginx`, `apache` and `caddy` are told alike."""
    for option in reversed(_SERVER_OPTIONS):
        function = option(function)
    return function


_SERVER_OPTIONS: Final = (
    audiences,
    click.option(
        "--root",
        "roots",
        multiple=True,
        metavar="NAME=DIR",
        help="Where an audience's tree is on the host [default: its `directory` target].",
    ),
    click.option("--passwords", type=click.Path(path_type=Path), metavar="FILE", help="Password hashes, `name:hash` a line; outside git."),
    click.option(
        "--listen", metavar="ADDRESS:PORT", help="Listen there; without a certificate on this machine alone, behind what has TLS."
    ),
    click.option("--certificate", metavar="FILE", help="PEM of the TLS certificate on the host [default: as certbot or Caddy gets it]."),
    click.option("--key", metavar="FILE", help="PEM of its key."),
    click.option("--output", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write the files here."),
    click.option("--folder", metavar="DIR", help=f"Where the files will be on the host [default: --output, or {_FOLDER}]."),
    options.reading_options,
    options.dry_run,
    options.output_format,
)


def _server(kind: str, title: str, example: str) -> click.Command:
    @_server_options
    def configure(
        audiences: tuple[str, ...], passwords: Path | None, repo: Path, commit: str, worktree: bool, dry_run: bool, output_format: str,
        **asked: Any,
    ) -> None:  # fmt: skip
        root, configuration, policies = settings_of(repo, commit, worktree=worktree)
        order = _order(root, configuration, policies, audiences, _Asked(**asked))
        check_order(order, policies)
        known = _known_passwords(passwords, policies, order, has_output=asked["output"] is not None)
        files = render(kind, order, known, environment(shipped.host_templates()))
        _tell(order, known, configuration)
        readers = {served.audience: served.readers for served in order.served}
        give(files, asked["output"], output_format, dry_run=dry_run, readers=readers, folder=order.folder)

    configure.__doc__ = (
        f"Write the configuration of {title}: content types, negotiation of HTML and JSON, caching, who may read.\n\n"
        f"Printed, or with --output written, where only what differs changes.\n\n\b\nExample:\n  {example}\n"
    )
    return click.command(kind)(configure)


for _kind, _title in (("nginx", "nginx"), ("apache", "Apache"), ("caddy", "Caddy")):
    command.add_command(
        _server(_kind, _title, f"index-builder host-config {_kind} --audience internal --passwords ~/passwords --output DIR")
    )

for _other in COMMANDS:
    command.add_command(_other)


def _order(root: Path, configuration: Configuration, policies: Policies, names: Sequence[str], asked: _Asked) -> Order:
    for name in names:
        options.check_audience(name, configuration)
    chosen = [audience for name, audience in configuration.audiences.items() if not names or name in names]
    roots = dict(_named_root(text, configuration) for text in asked.roots)
    with usage():
        return Order(
            title=configuration.title,
            served=tuple(_served(root, configuration, policies, audience, roots) for audience in chosen),
            folder=HostPath(asked.folder or (str(asked.output.absolute()) if asked.output else _FOLDER)),
            listen=Listen.of(asked.listen, has_tls=asked.certificate is not None) if asked.listen else None,
            certificate=_certificate(asked),
        )


def _certificate(asked: _Asked) -> Certificate | None:
    if (asked.certificate is None) != (asked.key is None):
        msg = "--certificate and --key go together"
        raise click.UsageError(msg)
    if asked.certificate is None or asked.key is None:
        return None
    return Certificate(chain=HostPath(asked.certificate), key=HostPath(asked.key))


def _named_root(text: str, configuration: Configuration) -> tuple[str, str]:
    name, _, folder = text.partition("=")
    if not folder:
        msg = f"{text!r} is not written as NAME=DIR"
        raise UsageError(msg, fix="name the audience and the folder of its tree: --root internal=/srv/www/internal")
    options.check_audience(name, configuration)
    return name, folder


def _served(root: Path, configuration: Configuration, policies: Policies, audience: Audience, roots: dict[str, str]) -> Served:
    if not audience.url:
        msg = f"the audience '{audience.name}' has no `url:`, so its host is not known"
        raise UsageError(msg, fix="say where it is published: `url: https://packages.example.org/`, under it in index.yaml")
    folders = [str(root.absolute() / t.path) for t in configuration.publish if t.audience == audience.name and t.kind == "directory"]
    folder = roots.get(audience.name) or (folders[0] if len(folders) == 1 else "")
    if not folder:
        msg = f"'{audience.name}' has {'several targets' if folders else 'no target'} of `kind: directory`, so its folder is not known"
        raise UsageError(msg, fix=f"name the folder of its tree on the host: --root {audience.name}=DIR")
    readers = readers_of(policies, audience.name)
    return Served(audience=audience.name, address=Address.of(audience.url), root=HostPath(folder), readers=readers)


def _known_passwords(path: Path | None, policies: Policies, order: Order, *, has_output: bool) -> dict[Word, PasswordHash]:
    """Return the hashes of people whom the policies know."""
    closed = [served.audience for served in order.served if not served.readers.is_open]
    if path is None:
        if closed and has_output:
            msg = f"'{closed[0]}' is not for everybody, and no password is known"
            raise UsageError(msg, fix="name the file of password hashes: --passwords FILE; index-builder host-config password --help")
        return {}
    text = configuring.read_text(path)
    if text is None:
        msg = f"{path} is not there"
        raise UsageError(msg, fix="make it: index-builder host-config password NAME --passwords FILE")
    configuring.keep_out_of_git(path)
    found = read_passwords(text, str(path))
    for name in sorted(set(found) - set(policies.people)):
        note(f"{name} has a password, and no policy knows them: left out")
    return {name: hashed for name, hashed in found.items() if name in policies.people}


def _tell(order: Order, passwords: dict[Word, PasswordHash], configuration: Configuration) -> None:
    """Say who may read what, who cannot although they may, and which audience of the same host is not in it."""
    hosts, chosen = order.hosts(), {served.audience for served in order.served}
    for name, audience in configuration.audiences.items():
        if name not in chosen and urlsplit(audience.url).hostname in hosts:
            note(
                f"{name} is on {urlsplit(audience.url).hostname} too, and not in this: a host name is configured in one file, so name both"
            )
    for served in order.served:
        note(readers_told(served.audience, served.readers))
        if passwords and (lacking := [name for name in served.readers.people if name not in passwords]):
            note(f"{served.audience}: no password is known of {', '.join(lacking)}")


@command.command("password")
@click.argument("name", metavar="NAME")
@click.option("--passwords", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The file of hashes; outside git.")
@click.option("--ask", is_flag=True, help="Ask for the password, instead of making one.")
@click.option("--remove", is_flag=True, help="Take the person's hash away.")
@options.dry_run
def password_(name: str, passwords: Path, ask: bool, remove: bool, dry_run: bool) -> None:
    """Make somebody's password, print it once, and keep its bcrypt hash; or take it away.

    NAME is a person of policies.d/. What is made has 160 random bits. Hosts get the change when host-config writes its files anew.

    \b
    Examples:
      index-builder host-config password alice --passwords ~/passwords
      index-builder host-config password alice --passwords ~/passwords --remove
    """
    with usage():
        person = Word(name)
    configuring.keep_out_of_git(passwords)
    known = read_passwords(configuring.read_text(passwords) or "", str(passwords))
    made = ""
    if remove:
        if known.pop(person, None) is None:
            msg = f"{person} has no password in {passwords}"
            raise UsageError(msg, fix="look at the names in the file")
    else:
        made = "" if ask else secrets.token_hex(20)
        text = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True) if ask else made
        known[person] = PasswordHash(configuring.hashed(text, CHOSEN_COST if ask else MADE_COST), is_made=not ask)
    if not dry_run:
        configuring.write_text(passwords, write_passwords(known), is_secret=True)
        if made:
            click.echo(made)
    becomes = "taken away from" if remove else "kept as a bcrypt hash in"
    stderr().print(f"the password of {person} {'would be' if dry_run else 'is'} {becomes} {passwords}")
