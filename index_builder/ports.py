"""The protocols that adapters fill; stages know these and nothing behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from index_builder.model.attestation import Claims
    from index_builder.model.environment import Environment
    from index_builder.model.hosted_release import HostedRelease
    from index_builder.model.names import NormalizedName, Sha256
    from index_builder.model.offer import OfferedFile, Pin
    from index_builder.model.publication import Limits, Publication, Put
    from index_builder.model.pull import Draft, Mark, Pull, Standing
    from index_builder.model.source import PathChange, SourceChange, SourceEntry

#: `links`: the URL where a linked file was found. `examined`: what its bytes were compared with, and agreed. `readmes`: a README as HTML.
Note = Literal["links", "examined", "readmes"]


class SourceTree(Protocol):
    """A revision or working tree, read without a checkout."""

    revision: str

    def entries(self, *tops: str) -> Iterable[SourceEntry]:
        """Return the files of the index: `index.yaml`, `packages.d`, `policies.d`, or those of them that are named. Raises SourceError."""
        ...

    def read(self, entry: SourceEntry) -> bytes:
        """Return a file's bytes; raises SourceError."""
        ...

    def identity(self, entry: SourceEntry) -> str:
        """Return git's object id of a file's content: the same content has the same one, in git or not. Raises SourceError."""
        ...

    def changed_since(self, revision: str) -> Sequence[SourceChange] | None:
        """Return the files that differ from an earlier revision, or None where that is not to be had."""
        ...


class Proposal(Protocol):
    """A change that is to be merged into a base.

    `merged` is what the base would become, `head` the change's commit id ('' for a working tree), `when` the committer time of
    the base, aware, in UTC. `outside` counts changed files of the repository that are not in the index's folder: nobody judges
    them here.
    """

    base: SourceTree
    merged: SourceTree
    head: str
    when: datetime
    outside: int

    def changes(self) -> Sequence[PathChange]:
        """Return every path of the whole repository that is not as the base has it, by path; a rename is two of them."""
        ...


class Past(Proposal, Protocol):
    """A change that was merged: a commit against its first parent, with the first line of its message and its author's mail address."""

    subject: str
    author: str


class History(Protocol):
    """What was merged into a branch, the newest first."""

    def merges(self, *, since: str = "", most: int = 0) -> Iterator[Past]:
        """Yield the merges after the revision `since`, or the last `most` of them; raises SourceError."""
        ...


class Response(Protocol):
    """An answer whose body is still to be read. Header names are lower case."""

    status: int
    url: str
    headers: dict[str, str]

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives; raises RemoteError when it breaks off or a deadline passes."""
        ...


class Transport(Protocol):
    """HTTP to other hosts, guarded: https only, global addresses only, redirects checked and counted."""

    def get(self, url: str, headers: dict[str, str], *, deadline: float) -> AbstractContextManager[Response]:
        """Ask for `url`; all of it must be over by `deadline`, a time of Clock.monotonic. Raises RemoteError."""
        ...


class PoolEntry(Protocol):
    """Bytes on their way into a pool. What was written survives an interrupt, until `discard`."""

    written: int

    def write(self, chunk: bytes) -> None:
        """Append bytes; raises StorageError."""
        ...

    def commit(self) -> None:
        """Make the entry visible under its digest, whole or not at all.

        Raises CorruptEntryError, keeping nothing, where the digest is another.
        """
        ...

    def discard(self) -> None:
        """Forget what was written; the entry can be written anew."""
        ...

    def close(self) -> None:
        """Keep what was written for a later try."""
        ...


class Pool(Protocol):
    """Bytes by digest: files, core metadata, provenance; and notes of files."""

    def size(self, digest: Sha256) -> int | None:
        """Return an entry's size in bytes, or None where there is none."""
        ...

    def open(self, digest: Sha256) -> BinaryIO:
        """Open an entry for reading, seekable; raises StorageError where there is none."""
        ...

    def receive(self, digest: Sha256) -> PoolEntry:
        """Begin (or take up again) writing an entry; raises StorageError."""
        ...

    def drop(self, digest: Sha256) -> None:
        """Delete an entry that proved wrong."""
        ...

    def note(self, kind: Note, digest: Sha256) -> str | None:
        """Return what was noted of a file, or None."""
        ...

    def set_note(self, kind: Note, digest: Sha256, text: str) -> None:
        """Note something of a file, in one line; raises StorageError."""
        ...


class Shelf(Protocol):
    """A place at a host where bytes lie by digest: what is published, or an inbox."""

    def open(self, digest: Sha256, name: str) -> BinaryIO | None:
        """Open a file by its digest and name, or with name '' a provenance object; None where it is not there.

        Nobody has looked yet whether its bytes are those of the digest. Raises RemoteError, StorageError.
        """
        ...


class HandedIn(Shelf, Protocol):
    """An inbox at a host."""

    def put(self, digest: Sha256, stream: BinaryIO, size: int) -> None:
        """Hand a file in, unless it is there; raises RemoteError, StorageError."""
        ...


class Site(Protocol):
    """One audience's published tree, in a folder. Paths are relative POSIX paths."""

    def listing(self) -> Mapping[str, int | None]:
        """Return path -> size in bytes, or None where that is unknown, of everything that a build wrote there; raises StorageError."""
        ...

    def size(self, path: str) -> int | None:
        """Return a file's size in bytes, or None where there is no ordinary file; raises StorageError."""
        ...

    def read(self, path: str) -> bytes:
        """Return a file's bytes; raises StorageError."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading, seekable; what is put in its place later does not change what is read. Raises StorageError."""
        ...

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file, whole or not at all; raises StorageError."""
        ...

    def delete(self, path: str) -> None:
        """Delete a file, and its folders where they are left empty."""
        ...


class Host(Protocol):
    """What serves a target: what readers get there, and how that is changed.

    `limits` is what it takes; where it is not `is_immediate`, somebody else deploys later what was switched to. One that `is_whole`
    takes all of a tree each time; at one that `is_gradual` pages are not staged, but put one by one when it is switched.
    """

    limits: Limits
    is_immediate: bool
    is_whole: bool
    is_gradual: bool

    def live(self) -> Site | None:
        """Return what readers get now, None where nothing is published; raises StorageError, RemoteError.

        It is what the next publication changes, and is compared with.
        """
        ...

    def requests(self, publication: Publication, wanted: Site) -> int:
        """Return how many requests over the network a publication takes, as far as that can be known before."""
        ...

    def stage(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Bring what is new to where no reader is led to it yet; raises StorageError, RemoteError."""
        ...

    def switch(self, publication: Publication, wanted: Site, progress: Progress) -> None:
        """Let readers get what was staged. Raises LostRaceError where somebody else published meanwhile, StorageError, RemoteError."""
        ...


class Depot(Protocol):
    """Where an audience's files are, when its targets do not have them."""

    def missing(self, puts: Sequence[Put]) -> Sequence[Put]:
        """Return those that are not there yet; raises RemoteError, StorageError where one is there with other bytes."""
        ...

    def stock(self, puts: Sequence[Put], wanted: Site, progress: Progress) -> None:
        """Bring there what is missing, and overwrite nothing; raises RemoteError, StorageError."""
        ...

    def withdraw(self, paths: Iterable[str]) -> None:
        """Delete files, those too that are not there; raises RemoteError."""
        ...


class Pulls(Protocol):
    """The pull requests of an index's repository. Everything raises RemoteError, and NotFoundError where there is no such thing."""

    def pull(self, number: int) -> Pull:
        """Return an open pull request, with its reviews."""
        ...

    def open_pulls(self) -> Sequence[Pull]:
        """Return all that are open, without their reviews."""
        ...

    def main(self) -> str:
        """Return the name of the default branch: what goes into it is published, and nothing else."""
        ...

    def tip(self, branch: str) -> str:
        """Return the commit that a branch is at."""
        ...

    def lacks(self, head: str, base: str) -> bool:
        """Say whether a commit has not all that another one has: it would be merged from behind."""
        ...


class Maintainer(Protocol):
    """Does to pull requests what their maintainers do. Everything raises RemoteError."""

    def say(self, number: int, body: str) -> None:
        """Keep the one comment of ours at a pull request as `body`."""
        ...

    def mark(self, commit: str, state: Mark, description: str) -> None:
        """Set the status of a commit, which a branch may require."""
        ...

    def unlabel(self, number: int, label: str) -> None:
        """Take a label off a pull request, there or not."""
        ...

    def refresh(self, number: int, head: str) -> None:
        """Merge the base into a pull request, if its head is still that commit; raises LostRaceError."""
        ...

    def merge(self, number: int, head: str) -> None:
        """Merge a pull request, if its head is still that commit; raises LostRaceError."""
        ...


class PreviewPlace(Protocol):
    """Where previews are shown. Everything raises RemoteError, StorageError."""

    def shown(self) -> Mapping[int, str]:
        """Return the commits that are shown, by the number of their pull request."""
        ...

    def put(self, number: int, head: str, folder: Path) -> None:
        """Show a tree as a pull request's; raises SourceError for what is no tree of files."""
        ...

    def drop(self, number: int) -> None:
        """Show a pull request no more."""
        ...


class Dispatcher(Protocol):
    """Starts workflows by name: what a workflow's own token does, starts none."""

    def dispatch(self, workflow: str, branch: str, **inputs: str) -> None:
        """Start a workflow file of a branch; raises RemoteError."""
        ...


class Proposals(Protocol):
    """Where a program proposes changes."""

    def propose(self, draft: Draft) -> tuple[int, Standing]:
        """Open a pull request, or bring the one of that branch up to date; return its number. Raises RemoteError."""
        ...


class ReleaseFeed(Protocol):
    """The releases of repositories at a host."""

    def releases(self, repository: str) -> Sequence[HostedRelease]:
        """Return the published releases, the newest first; raises NotFoundError, RemoteError."""
        ...

    def attestations(self, repository: str, digest: Sha256) -> Sequence[bytes]:
        """Return the Sigstore bundles that a repository has for a file, as JSON; raises RemoteError."""
        ...


class Offer(Protocol):
    """What a resolver may choose from, in one environment. Asked from several threads at once."""

    def files(self, project: NormalizedName) -> Sequence[OfferedFile]:
        """Return a project's wheels; raises NotFoundError, RemoteError."""
        ...

    def metadata(self, name: str) -> bytes:
        """Return the core metadata of a wheel by its file name; raises NotFoundError, RemoteError, StorageError."""
        ...


class Resolver(Protocol):
    """Requirements become releases, for one environment."""

    def resolve(
        self, requirements: Sequence[Requirement], environment: Environment, offer: Offer, *,
        preferred: Sequence[Pin], excluded: Sequence[NormalizedName], pre: bool,
    ) -> list[Pin]:  # fmt: skip
        """Return the requirements' releases and those of all that they depend on; raises ResolutionError, UsageError.

        `preferred` is chosen where it fits; `excluded` is left out, with what only it depends on; `pre` lets pre-releases count.
        """
        ...


class Attestations(Protocol):
    """Who published a file, proved by signatures. Nobody is asked."""

    def is_available(self) -> bool:
        """Say whether what verifies is installed."""
        ...

    def verified(self, content: bytes, name: str, digest: Sha256) -> tuple[Claims, ...]:
        """Return who made each attestation of a file: a provenance object (PEP 740), or a Sigstore bundle. Raises AttestationError."""
        ...


class Clock(Protocol):
    """Time, which tests set."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; ends early with InterruptedRunError when the run is stopped."""
        ...

    def check(self) -> None:
        """Raise InterruptedRunError when the run is stopped."""
        ...

    def stop(self) -> None:
        """Stop the run: every later `sleep` and `check`, in any thread, raises."""
        ...


class Progress(Protocol):
    """What someone who waits may see."""

    def begin(self, what: str, files: int, size: int) -> None:
        """Begin a stage of `files` files and `size` bytes, both 0 where nobody knows."""
        ...

    def advance(self, size: int) -> None:
        """Say that `size` more bytes arrived."""
        ...

    def done(self, name: str) -> None:
        """Say that a file is finished."""
        ...

    def note(self, message: str) -> None:
        """Show a line, such as a retry."""
        ...

    def end(self) -> None:
        """End the stage."""
        ...
