"""What the verbs share that change or show targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from index_builder import wiring
from index_builder.cli import options
from index_builder.cli.console import note, progress, stderr
from index_builder.cli.outcomes import UNSEEN, Standing
from index_builder.errors import AlteredError, StorageError, UsageError
from index_builder.model.index import Configuration, Target
from index_builder.model.names import Word
from index_builder.model.problem import Problem
from index_builder.model.publication import Hold, Record
from index_builder.pipeline import build
from index_builder.pipeline.publish.difference import record_of
from index_builder.pipeline.publish.earlier import EarlierTree
from index_builder.pipeline.publish.make import Workshop
from index_builder.pipeline.publish.mirrors import Compared, compare, extra, stocked
from index_builder.pipeline.publish.order import Make, Order, Outcome, Place, Relation, Result
from index_builder.pipeline.publish.publish import publish
from index_builder.pipeline.reading import configuration_of, open_audiences
from index_builder.ports.places import Site
from index_builder.ports.trees import SourceTree
from index_builder.render.legacy import ReleaseJson
from index_builder.trust.layout import TRUST
from index_builder.wiring import shipped
from index_builder.wiring import targets as places_of

if TYPE_CHECKING:
    from index_builder.fetch.stage import Fetcher
    from index_builder.trust.committed import Committed
    from index_builder.trust.signing import OnlineSigners

# ruff: noqa: PLC0415 - TUF is slow to import, and an index that is not signed needs none of it

target_option = click.option("--target", "targets", multiple=True, metavar="NAME", help="This target only; may be repeated.")
gate_option = click.option("--gate", is_flag=True, help="First install what changes with pip and uv, from what is about to be published.")
output_option = click.option(
    "--output", type=click.Path(path_type=Path), metavar="DIR", help="Where whole trees are built [default: site/ of the repository]."
)
most_option = click.option(
    "--max-delete", "most", type=click.IntRange(0, 100), default=25, metavar="PERCENT", show_default=True,
    help="Refuse to take away more of the projects or files than this.",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be published, and where.

    `opened` are the audiences that are for everybody, `known` is the commit whose tombstones count in an earlier one.
    """

    root: Path
    tree: SourceTree
    configuration: Configuration
    chosen: tuple[Target, ...]
    output: Path
    pool: Path | None
    connections: int
    jobs: int | None
    quiet: bool
    web: bool = True
    opened: frozenset[Word] = frozenset()
    known: str = ""

    @classmethod
    def of(
        cls, repo: Path, commit: str, targets: Sequence[str], *, output: Path | None = None, pool: Path | None = None,
        connections: int = 16, jobs: int | None = None, quiet: bool = False, web: bool = True,
    ) -> Self:  # fmt: skip
        """Read the commit; raises UsageError where it has no such target."""
        root, tree = options.source(repo, commit, worktree=False)
        with options.problems_shown(tree, "text"):
            configuration = configuration_of(tree)
        return cls(
            root=root, tree=tree, configuration=configuration, chosen=_chosen(configuration, targets), output=output or root / "site",
            pool=pool, connections=connections, jobs=jobs, quiet=quiet, web=web, opened=open_audiences(tree, configuration),
        )  # fmt: skip

    def at(self, commit: str) -> Self:
        """Return the same work at an earlier commit, without what was taken away for good since; raises SourceError."""
        tree = wiring.open_tree(self.root, commit, worktree=False)
        with options.problems_shown(tree, "text"):
            known = configuration_of(tree).audiences
        if missing := [target for target in self.chosen if target.audience not in known]:
            msg = f"in {tree.revision[:12]} there was no audience '{missing[0].audience}', to which target '{missing[0].name}' belongs"
            raise UsageError(msg, fix="choose a later commit, or other targets with --target")
        return replace(self, tree=EarlierTree(tree, self.tree), known=self.tree.revision)

    def publish(
        self, *, most: int, gate: bool = False, heartbeat: bool = False, behind: bool = False, release: bool = False, dry_run: bool = False,
        hold: Hold | None = None, rewritten: bool = False, reconcile: bool = False, source: str | None = None,
    ) -> tuple[Outcome, ...]:  # fmt: skip
        """Publish to the chosen targets, with `source` what that target serves. Raises as the pipeline does.

        A `heartbeat` renews what is there of this commit, with `behind` also what is there of an earlier one.
        """
        shown, now = progress(quiet=self.quiet), wiring.SystemClock().now
        chosen = tuple(target for target in self.chosen if target.name != source)
        if not chosen:
            msg = f"'{source}' is the only target, and it is what would be copied from"
            raise UsageError(msg, fix="name another one to copy to: --target NAME")
        if closed := [target for target in chosen if target.edge and target.audience not in self.opened]:
            msg = f"'{closed[0].audience}' is not for everybody, and whoever deploys target '{closed[0].name}' knows none of your people"
            raise UsageError(msg, fix="take its `edge:` away, and use a host that asks for passwords: index-builder host-config nginx")
        whole = {target.audience for target in chosen if target.kind == "pages-artifact" and not (heartbeat or source)}
        with ExitStack() as stack:
            stack.enter_context(options.problems_shown(self.tree, "text"))
            fetcher = stack.enter_context(
                options.fetching(self.root, self.configuration, pool=self.pool, connections=self.connections, quiet=self.quiet)
            )
            places = stack.enter_context(
                places_of.open_places(self.root, self.configuration, chosen, fetcher, opened=self.opened, dry_run=dry_run)
            )
            room = stack.enter_context(places_of.open_rooms(self.root, self.output, whole))
            workers = stack.enter_context(wiring.open_workers(self.jobs))  # last: they end before the rooms that they write in
            workshop = Workshop(
                tree=self.tree, fetcher=fetcher,
                order=build.Order(
                    templates=shipped.templates(), release_json=ReleaseJson.VERSION, builder=shipped.builder(), executor=workers,
                    full=reconcile, web=self.web,
                ),
                room=room,
                folders={name: audience.folder for name, audience in self.configuration.audiences.items()},
                signing=self._signing(heartbeat=heartbeat), renews=lambda record: self._renews(record, behind=behind), now=now,
                progress=shown, warn=self._warn,
            )  # fmt: skip
            order = Order(
                make=self._copied(source, stack, fetcher) if source else workshop.renew if heartbeat else workshop.make,
                relation=lambda live, commit: places_of.relation(self.root, live, commit),
                others=lambda audience: stack.enter_context(self._others(audience, chosen, fetcher)), now=now, most=most, hold=hold,
                known=self.known, rewritten=rewritten,
                release=release, heartbeat=heartbeat, reconcile=reconcile, dry_run=dry_run,
                gate=places_of.gate_of(self.configuration) if gate else None,
            )  # fmt: skip
            return publish(places, order, shown)

    def _others(self, audience: Word, chosen: Sequence[Target], fetcher: Fetcher) -> AbstractContextManager[Sequence[Place]]:
        """Open the other targets of an audience, to be read."""
        others = [target for target in self.configuration.publish if target.audience == audience and target not in chosen]
        return places_of.open_places(self.root, self.configuration, others, fetcher, opened=self.opened, dry_run=True)

    def _renews(self, record: Record | None, *, behind: bool) -> str:
        """Return the commit whose signatures are renewed at a target: its hold's, ours, or with `behind` an earlier one that it serves."""
        if record and record.hold:
            return record.hold.commit
        if behind and record and record.commit and places_of.relation(self.root, record.commit, self.tree.revision) is Relation.NEWER:
            return record.commit
        return self.tree.revision

    def renew(self, done: Sequence[Outcome], *, dry_run: bool) -> tuple[Outcome, ...]:
        """Renew the signatures of what a publication left as it was: where a target is held, or failed, or nothing came of it at all."""
        ended = {outcome.target for outcome in done if outcome.result not in (Result.HELD, Result.FAILED)}
        left = tuple(target for target in self.chosen if target.name not in ended and self._trust(target.audience))
        if not left:
            return ()
        said = {(outcome.target, outcome.error.message) for outcome in done if outcome.error}
        found = replace(self, chosen=left).publish(most=100, heartbeat=True, behind=True, dry_run=dry_run)
        return tuple(outcome for outcome in found if not (outcome.error and (outcome.target, outcome.error.message) in said))

    def take_back(self, done: Sequence[Outcome]) -> tuple[Outcome, ...]:
        """Let targets where something else went live than was published, serve again what they served before, and hold them there."""
        taken_back: list[Outcome] = []
        for outcome in done:
            if not isinstance(outcome.error, AlteredError) or outcome.before in ("", outcome.commit):
                continue
            chosen = tuple(target for target in self.chosen if target.name == outcome.target)
            back = replace(self, chosen=chosen).at(outcome.before)
            now = wiring.SystemClock().now()
            hold = Hold(commit=back.tree.revision, reason=outcome.error.message, who=places_of.whoever(self.root), at=now)
            taken_back += back.publish(most=100, hold=hold, reconcile=True)
        return tuple(taken_back)

    def repair(self, done: Sequence[Outcome], *, most: int, dry_run: bool) -> tuple[Outcome, ...]:
        """Put right what held targets have of the commit at which they are held; the holds stay."""
        repaired: list[Outcome] = []
        for outcome in done:
            if outcome.result is Result.HELD and outcome.hold:
                chosen = tuple(target for target in self.chosen if target.name == outcome.target)
                held = replace(self, chosen=chosen).at(outcome.hold.commit)
                repaired += held.publish(most=most, hold=outcome.hold, reconcile=True, dry_run=dry_run)
        return tuple(repaired)

    def _copied(self, name: str, stack: ExitStack, fetcher: Fetcher) -> Make:
        """Return what makes a tree of what another target serves; raises UsageError, StorageError."""
        target = _chosen(self.configuration, [name])[0]
        place = stack.enter_context(
            places_of.open_places(self.root, self.configuration, [target], fetcher, opened=self.opened, dry_run=True)
        )[0]
        live = place.host.live()
        record = record_of(live)
        if live is None or record is None:
            msg = f"nothing is published at '{name}'"
            raise StorageError(msg, fix="name a target that serves something: index-builder publish --status")
        for other in self.chosen:
            if other.audience != target.audience:
                msg = f"'{name}' is for the audience '{target.audience}', and '{other.name}' is for '{other.audience}'"
                raise UsageError(msg, fix="choose targets of one audience with --target")
        return lambda _audience, _live: (live, record.commit)

    def status(self) -> list[Standing]:
        """Return what each chosen target serves."""
        with (
            options.fetching(self.root, self.configuration, pool=self.pool, connections=self.connections, quiet=True) as fetcher,
            places_of.open_places(self.root, self.configuration, self.chosen, fetcher, opened=self.opened, dry_run=True) as places,
        ):
            return [Standing.of(place) for place in places]

    def compared(self) -> Iterator[tuple[str, str, Compared]]:
        """Yield each target of an audience with the first one, and how it stands to that; and the first one if it has more than its tree.

        Where an audience's files are in releases, how those stand to the first one.

        Raises UsageError, StorageError, RemoteError.
        """
        shown = progress(quiet=self.quiet)
        with (
            options.fetching(self.root, self.configuration, pool=self.pool, connections=self.connections, quiet=True) as fetcher,
            places_of.open_places(self.root, self.configuration, self.chosen, fetcher, opened=self.opened, dry_run=True) as places,
        ):
            firsts: dict[Word, tuple[str, Site]] = {}
            compared = 0
            for place in places:
                live = place.host.live()
                if place.is_unseen(live):
                    note(f"'{place.target.name}' cannot be read: {UNSEEN}")
                    continue
                if live is None or record_of(live) is None:
                    msg = f"nothing is published at '{place.target.name}'"
                    raise StorageError(msg, fix=f"publish there: index-builder publish --target {place.target.name}")
                name, first = firsts.setdefault(place.target.audience, (place.target.name, live))
                if first is live:
                    if found := extra(live):
                        yield name, name, Compared(same=0, differing=(), missing=(), extra=found)
                    if place.depot:
                        compared += 1
                        yield "its releases", name, stocked(live, place.depot)
                else:
                    compared += 1
                    yield name, place.target.name, compare(first, live, shown)
            if not compared:
                msg = "there are no two targets of one audience"
                raise UsageError(msg, fix=f"the targets are: {', '.join(target.name for target in self.configuration.publish)}")

    def _signing(self, *, heartbeat: bool) -> Callable[[Word], tuple[Committed, OnlineSigners] | None]:
        known: dict[Word, tuple[Committed, OnlineSigners] | None] = {}

        def signing(audience: Word) -> tuple[Committed, OnlineSigners] | None:
            if audience not in known:
                known[audience] = self._keys(audience, heartbeat=heartbeat)
                if known[audience] is None:
                    self._say_unsigned(audience)
            return known[audience]

        return signing

    def _keys(self, audience: Word, *, heartbeat: bool) -> tuple[Committed, OnlineSigners] | None:
        if (committed := self._trust(audience)) is None:
            return None
        from index_builder.cli import trusting

        return committed, trusting.online(committed, wiring.open_keys(None, trusting.ask), heartbeat=heartbeat)

    def _trust(self, audience: Word) -> Committed | None:
        """Return what people signed of an audience, None where it is not signed."""
        if not any(entry.path.startswith(f"{TRUST}/{audience}/") for entry in self.tree.entries(TRUST)):
            return None
        from index_builder.pipeline.trust import read_trust

        committed = read_trust(self.tree, audience)
        return committed if committed.roots else None

    def _say_unsigned(self, audience: Word) -> None:
        if not self.quiet:
            stderr().print(f"  [bold yellow]unsigned[/]: {audience} has no keys, so that nobody can check what arrives")

    def _warn(self, warnings: tuple[Problem, ...]) -> None:
        options.show_problems(warnings, self.tree, "text")


def _chosen(configuration: Configuration, names: Sequence[str]) -> tuple[Target, ...]:
    known = {target.name: target for target in configuration.publish}
    if not known:
        msg = "index.yaml names no target to publish to"
        raise UsageError(msg, fix="add one: publish: [{name: local, audience: public, kind: directory, path: published/public}]")
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            msg = f"there is no target '{name}'"
            raise UsageError(msg, fix=f"did you mean '{near[0]}'?" if near else f"the targets are: {', '.join(known)}")
    return tuple(target for name, target in known.items() if not names or name in names)
