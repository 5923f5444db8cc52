"""What every target lacks is staged, then all targets are switched; one that fails does not hold up the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from index_builder.errors import (
    AlteredError,
    GateError,
    LostRaceError,
    RemoteError,
    StorageError,
    TrustError,
    UsageError,
)
from index_builder.model.index import Target
from index_builder.model.names import Word
from index_builder.model.publication import Hold, Publication, Put, Record
from index_builder.pipeline.publish.difference import difference, is_used, mark_of, record_of
from index_builder.pipeline.publish.order import Order, Outcome, Place, Relation, Result, Tried, failed, forecast, outcome_of
from index_builder.pipeline.publish.own import has_own, with_own
from index_builder.pipeline.publish.readback import check, content_of
from index_builder.pipeline.publish.reconcile import reconciled
from index_builder.pipeline.publish.signatures import metadata_of
from index_builder.pipeline.publish.whole import whole
from index_builder.pipeline.publish.withdraw import withdraw_from_all
from index_builder.ports.machine import Progress
from index_builder.ports.places import Site
from index_builder.publish.plan import Terms, check_limits, publication
from index_builder.state import MARK
from index_builder.trust.layout import GRACE, POINTER


def publish(places: Sequence[Place], order: Order, progress: Progress) -> tuple[Outcome, ...]:
    """Publish to every target. Raises what making a tree raises that concerns all; what fails at a target is in its outcome."""
    run = _Run(order, progress)
    waiting = list(places)
    for attempt in range(_ATTEMPTS):
        staged = run.stage(waiting)
        staged = run.tried(staged)
        waiting = [] if order.dry_run else [one.place for one in staged if not run.switch(one)]
        if not waiting:
            break
        if attempt < _ATTEMPTS - 1:
            progress.note(f"{', '.join(place.target.name for place in waiting)}: somebody else published meanwhile; starting over")
    if not order.dry_run:
        withdraw_from_all(places, run.outcomes, order.others, progress)
    return tuple(run.outcomes[place.target.name] for place in places)


#: Whoever loses a race so often in a row has come upon something else.
_ATTEMPTS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """A target as it was found. `version` is that of its signatures, 0 where there are none, None where no whole tree is there."""

    place: Place
    live: Site | None
    record: Record | None
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Staged:
    place: Place
    wanted: Site
    publication: Publication
    outcome: Outcome
    changed: Sequence[str]

    @property
    def here(self) -> Publication:
        """What of the publication the target gets."""
        done, has = self.publication, self.place.has
        return replace(done, puts=tuple(put for put in done.puts if has(put.path)), deletes=tuple(filter(has, done.deletes)))

    @property
    def elsewhere(self) -> tuple[Put, ...]:
        """What of it goes to where the audience's files are."""
        return tuple(put for put in self.publication.puts if not self.place.has(put.path))


class _Run:
    """One run of `publish`; a target that lost a race is in it more than once."""

    def __init__(self, order: Order, progress: Progress) -> None:
        self._order, self._progress = order, progress
        self.outcomes: dict[Word, Outcome] = {}

    def stage(self, places: Sequence[Place]) -> list[_Staged]:
        """Stage what each target lacks; those of an audience get one tree, but for a heartbeat, which leaves each where it is."""
        found = [one for place in places if (one := self._look(place))]
        groups: dict[Word, list[_Looked]] = {}
        for one in found:
            groups.setdefault(one.place.target.name if self._order.heartbeat else one.place.target.audience, []).append(one)
        return [staged for group in groups.values() for staged in self._stage_group(group)]

    def _look(self, place: Place) -> _Looked | None:
        order = self._order
        try:
            live = place.host.live()
            if order.hold and place.is_unseen(live):
                self._refuse_hold(place)
            record = record_of(live, anew=order.reconcile)
            version = _version(live)
            if record and record.commit and order.hold and not order.rewritten:
                self._check_known(place, record)
        except (RemoteError, StorageError, UsageError) as error:
            self.outcomes[place.target.name] = failed(place, error)
            return None
        if record and record.hold and not (order.hold or order.release or order.heartbeat):
            self.outcomes[place.target.name] = outcome_of(place, Result.HELD, record, hold=record.hold)
            return None
        return _Looked(place=place, live=live, record=record, version=version)

    def _refuse_hold(self, place: Place) -> NoReturn:
        msg = f"target '{place.target.name}' cannot be held: its audience has no `url:`, where the hold would be read again"
        raise UsageError(msg, fix="say in index.yaml where it is deployed; or deploy the tree of `index-builder build --commit`")

    def _check_known(self, place: Place, record: Record) -> None:
        """Raise StorageError where something was published later than the commit whose tombstones count: it may have others."""
        newest = record.newest or record.commit
        if self._order.relation(newest, self._order.known) not in (Relation.SAME, Relation.NEWER):
            msg = f"target '{place.target.name}' was published of {newest[:12]}, which this branch lacks: what it took away would come back"
            fix = "git pull, then go back again; where history was rewritten, and what it took away may come back: --rewritten"
            raise StorageError(msg, fix=fix)

    def _stage_group(self, group: Sequence[_Looked]) -> Iterator[_Staged]:
        found = [one for one in group if one.version is not None]
        base = max(found, key=lambda one: one.version or 0).live if found else None
        try:
            wanted, commit = self._order.make(group[0].place.target.audience, base)
        except (RemoteError, StorageError, TrustError) as error:
            self.outcomes |= {one.place.target.name: failed(one.place, error) for one in group}
            return
        for one in group:
            try:
                staged = self._staged(one, wanted, commit)
            except (RemoteError, StorageError, TrustError, UsageError) as error:
                self.outcomes[one.place.target.name] = failed(one.place, error)
                continue
            self.outcomes[one.place.target.name] = staged if isinstance(staged, Outcome) else staged.outcome
            if isinstance(staged, _Staged):
                yield staged

    def _staged(self, one: _Looked, wanted: Site, commit: str) -> _Staged | Outcome:
        order, place, record = self._order, one.place, one.record
        hold = order.hold or (None if order.release else record.hold if record else None)
        if record and record.commit and not order.hold and not order.heartbeat and (ended := self._by_relation(place, record, commit)):
            return ended
        is_right = record is not None and (record.begun is None or order.heartbeat) and record.hold == hold and not order.reconcile
        is_right = is_right and not self._is_due(record, place.target) and has_own(place, record, one.live)
        if one.live is not None and is_right and _is_same(one.live, wanted):
            return outcome_of(place, Result.UNCHANGED, record, hold=hold)
        done = self._publication(one, wanted, commit, hold)
        changed = [put.path for put in done.puts]
        if place.host.is_whole:
            done, wanted = whole(place, done, wanted, one.live)
        done, wanted = with_own(place, done, wanted, record, one.live)
        outcome = outcome_of(
            place, Result.PUBLISHED, record, commit=commit, puts=tuple(put.path for put in done.puts), deletes=done.deletes,
            size=done.size, lingering=len(done.record.gone), hold=hold,
        )  # fmt: skip
        staged = _Staged(place=place, wanted=wanted, publication=done, outcome=outcome, changed=changed)
        here = staged.here
        check_limits(place.host.limits, ((put.path, wanted.size(put.path) or 0) for put in here.puts), done.record.size, place.target.name)
        if order.dry_run:
            assets = len(place.depot.missing(staged.elsewhere, wanted)) if place.depot else 0
            staged = replace(staged, outcome=replace(outcome, assets=assets, forecast=forecast(place, here, wanted)))
        else:
            if place.depot:
                place.depot.stock(staged.elsewhere, wanted, self._progress)
            first = [put for put in here.puts if put.kind.is_immutable] if place.host.is_gradual else here.puts
            with self._shown(f"Publishing to {place.target.name}:", first, wanted):
                place.host.stage(here, wanted, self._progress)
        return staged

    @contextmanager
    def _shown(self, what: str, puts: Sequence[Put], wanted: Site) -> Iterator[None]:
        """Show how far it is with what is put, if there is any."""
        if puts:
            self._progress.begin(what, len(puts), sum(wanted.size(put.path) or 0 for put in puts))
        try:
            yield
        finally:
            self._progress.end()

    def _is_due(self, record: Record | None, target: Target) -> bool:
        """Say whether something that nothing leads to has stayed long enough."""
        limit = self._order.now() - target.grace
        return record is not None and any(time <= limit for time in record.gone.values())

    def _by_relation(self, place: Place, record: Record, commit: str) -> Outcome | None:
        """Return the outcome where a newer commit is live; raises StorageError where nobody can tell which is the newer one."""
        newest = record.newest or record.commit
        relation = self._order.relation(newest, commit)
        if relation is Relation.OLDER and record.hold:
            msg = f"target '{place.target.name}' served {newest[:12]} before it was held, and {commit[:12]} is older"
            raise StorageError(msg, fix="git pull, then let it go on")
        if relation is Relation.OLDER:
            return outcome_of(place, Result.NEWER_LIVE, record)
        if relation is Relation.UNRELATED:
            msg = f"target '{place.target.name}' serves {newest[:12]}, from which nothing leads to {commit[:12]}"
            fix = "in a shallow clone: git fetch --unshallow; where history was rewritten: index-builder rollback COMMIT --rewritten"
            raise StorageError(msg, fix=fix)
        return None

    def _publication(self, one: _Looked, wanted: Site, commit: str, hold: Hold | None) -> Publication:
        host, record = one.place.host, one.record
        base, before, is_compared = one.live, record, self._order.reconcile and not host.is_whole
        begun = before.begun or () if before and not self._order.heartbeat else ()
        if is_compared and base is not None:
            found = reconciled(wanted, base, before.gone if before else ())
        else:
            found = difference(wanted, base, begun)
        counts = host.limits.total is not None and not host.is_whole

        has = one.place.has

        def sizes(path: str) -> tuple[int, int]:
            return (wanted.size(path) or 0, base.size(path) or 0 if base and counts else 0) if has(path) else (0, 0)

        previous = (record.previous if record.commit == commit else record.commit) if record and not hold else ""
        grace = one.place.target.grace
        terms = Terms(
            commit=commit, previous=previous, now=self._order.now(), grace=grace, signed=max(grace, GRACE), most=self._order.most,
            hold=hold,
        )  # fmt: skip
        if before and self._order.reconcile:  # whoever was ahead of time is not believed, so that it need not be waited for
            gone = {path: min(time, terms.now) for path, time in before.gone.items()}
            before = replace(before, at=min(before.at, terms.now), gone=gone)
        done = publication(found, before, terms, is_wanted=is_used(wanted), sizes=sizes)
        newest = self._order.known if self._order.hold else commit
        done = replace(done, record=replace(done.record, newest=newest), repairs=self._order.reconcile)
        if self._order.heartbeat and record:  # what did not end before, a renewal does not end either
            kept = replace(record, at=done.record.at, size=done.record.size, gone=done.record.gone)
            done = replace(done, record=kept if before else replace(kept, begun=None))
        if counts and not self._order.reconcile:
            return done
        everything = difference(wanted, None).puts if counts else ()
        size = sum(wanted.size(put.path) or 0 for put in everything if has(put.path))
        return replace(done, record=replace(done.record, size=size))

    def tried(self, staged: list[_Staged]) -> list[_Staged]:
        """Let installers try one tree of each audience, all of whose targets get the same pages; return what may be switched to."""
        gate = self._order.gate
        if gate is None or self._order.dry_run:
            return staged
        firsts = {one.place.target.audience: one for one in reversed(staged)}
        found: dict[Word, Tried] = {}
        for name, first in firsts.items():
            try:
                found[name] = gate(name, first.wanted, first.changed)
            except GateError as error:
                refused = [one.place for one in staged if one.place.target.audience == name]
                self.outcomes |= {place.target.name: failed(place, error) for place in refused}
        kept = [one for one in staged if one.place.target.audience in found]
        return [replace(one, outcome=replace(one.outcome, tried=found[one.place.target.audience])) for one in kept]

    def switch(self, one: _Staged) -> bool:
        """Let readers get what was staged; say False where somebody else was faster."""
        name = one.place.target.name
        try:
            pages = [put for put in one.here.puts if not put.kind.is_immutable] if one.place.host.is_gradual else []
            with self._shown(f"Changing {name}:", pages, one.wanted):
                one.place.host.switch(one.here, one.wanted, self._progress)
            check(one.place.host, one.here)
        except LostRaceError as error:
            self.outcomes[name] = failed(one.place, error)
            return False
        except AlteredError as error:
            before = one.outcome.before
            self.outcomes[name] = replace(failed(one.place, error), before=before, commit=one.outcome.commit)
        except (RemoteError, StorageError) as error:
            self.outcomes[name] = failed(one.place, error)
        else:
            self.outcomes[name] = one.outcome
        return True


def _version(live: Site | None) -> int | None:
    """Return by what the tree is found that the next one goes on from, which is the one that was signed last."""
    if live is None or mark_of(live) is None:
        return None
    found = metadata_of(live)
    return found.snapshot if found else 0


def _is_same(live: Site, wanted: Site) -> bool:
    return all(content_of(live, path) == content_of(wanted, path) for path in (MARK, POINTER))
