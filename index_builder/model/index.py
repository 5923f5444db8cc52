"""What `index.yaml` and `policies.d/` say, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from index_builder.model.environment import Environment
from index_builder.model.names import Sha256, Word
from index_builder.model.previews import Previews
from index_builder.model.problem import Place
from index_builder.model.project import Project
from index_builder.model.releases import Releases


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who may see an index; one published tree each.

    `url` is where the tree is published, ending in a slash, or ''; `files` is where the files are, relative
    to that, or an absolute base; with `releases` they are there, and `files` is only where a build has them.
    """

    name: Word
    url: str
    files: str
    includes: tuple[Word, ...]
    place: Place = field(compare=False)
    releases: Releases | None = None

    @property
    def folder(self) -> str:
        """The folder of the files in the published tree, ending in a slash; '' where they are not in it."""
        return "" if self.releases or "://" in self.files else self.files

    def file_path(self, digest: Sha256, name: str) -> str:
        """Return where a build has a file; under an absolute base, the same folders stand ready to be copied there."""
        if self.releases:
            return self.releases.path(digest, name)
        return f"{FILES if '://' in self.files else self.files}{digest.path}/{name}"

    def file_url(self, digest: Sha256, name: str) -> str:
        """Return the absolute URL of a file, '' where it is in the tree."""
        if self.releases:
            return self.releases.url(digest, name)
        return f"{self.files}{digest.path}/{quote(name)}" if "://" in self.files else ""


#: The folder of a tree's files.
FILES: Final = "packages/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A place for bytes that `index.yaml` names: the pool or the inbox. What a kind of place does not have, is ''."""

    kind: str
    path: str = ""
    url: str = ""
    endpoint: str = ""
    region: str = ""
    repository: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an audience is published. What a kind of target does not have, is ''.

    `grace` is how long files stay that nothing leads to; `history` how many commits a branch keeps, 0 for all; `index_objects` is the
    form of the pages that a bucket's folders themselves have. `edge` is the host that deploys the tree, `netlify` or `cloudflare`, and
    `edge_form` what that is to give every reader, `json`, or HTML.
    """

    name: Word
    audience: Word
    kind: str
    grace: timedelta = timedelta(days=1)
    path: str = ""
    repository: str = ""
    branch: str = ""
    history: int = 0
    url: str = ""
    endpoint: str = ""
    region: str = ""
    index_objects: str = ""
    edge: str = ""
    edge_form: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """`index.yaml`.

    `upstreams` maps a name to a simple index's URL, or to `default`; `clients` are the environments that the index is
    for, or empty where it does not say. `repository` is where people see it on the web, '' where nothing says it, and `branch`
    what is published of it. `previews` is where pull requests are shown to others, None where they are not.
    """

    title: str
    upstreams: dict[Word, str]
    audiences: dict[Word, Audience]
    pool: Store
    inbox: Store
    publish: tuple[Target, ...]
    clients: tuple[Environment, ...] = ()
    repository: str = ""
    branch: str = "main"
    previews: Previews | None = None

    def visible_in(self, audience: Word) -> frozenset[Word]:
        """Return the audiences whose projects `audience` sees: itself and what it includes, at any remove."""
        seen: set[Word] = set()
        waiting = [audience]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting.extend(self.audiences[name].includes)
        return frozenset(seen)

    def shown_to(self, audiences: tuple[Word, ...]) -> frozenset[Word]:
        """Return the audiences that see a project of these audiences; one that names none is for all."""
        own = set(audiences or self.audiences)
        return frozenset(name for name in self.audiences if not own.isdisjoint(self.visible_in(name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """Everything that a commit says. `revision` is the commit id, or '' for a working tree."""

    revision: str
    configuration: Configuration
    projects: dict[str, Project]

    def seen_by(self, audience: Word) -> tuple[Project, ...]:
        """Return the projects that an audience sees, by normalized name; a manifest that names none is for all."""
        visible = self.configuration.visible_in(audience)
        everywhere = tuple(self.configuration.audiences)
        return tuple(p for _, p in sorted(self.projects.items()) if not visible.isdisjoint(p.audiences or everywhere))
