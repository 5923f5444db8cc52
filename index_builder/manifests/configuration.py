"""`index.yaml` becomes a value, with what is wrong between its lines."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from index_builder.manifests.kinds import duration_of
from index_builder.manifests.schema.configuration import InboxModel, IndexModel, PreviewsModel, ReleasesModel, TargetModel
from index_builder.manifests.validate import validate
from index_builder.model.environment import Environment
from index_builder.model.index import Audience, Configuration, Store, Target
from index_builder.model.names import Sha256, Word
from index_builder.model.previews import Previews
from index_builder.model.problem import Problem
from index_builder.model.releases import Releases

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from index_builder.manifests.loader import Document, Path


def to_configuration(document: Document) -> tuple[Configuration | None, list[Problem]]:
    """Return `index.yaml`, or its problems."""
    model, problems = validate(document, IndexModel)
    if model is None:
        return None, problems
    audiences = {
        Word(name): Audience(
            name=Word(name), url=a.url or "", files=a.files, releases=_releases(a.releases),
            includes=tuple(Word(other) for other in a.includes), place=document.place(("audiences", name), of_key=True),
        )
        for name, a in model.audiences.items()
    }  # fmt: skip
    configuration = Configuration(
        title=model.title,
        upstreams={Word(name): url for name, url in model.upstreams.items()},
        audiences=audiences,
        pool=Store(kind=model.pool.kind, path=model.pool.path),
        inbox=_inbox(model.inbox),
        publish=tuple(map(_target, model.publish)),
        clients=_clients(model),
        repository=model.web.repository or "", branch=model.web.branch, previews=_previews(model.previews),
    )  # fmt: skip
    problems = [
        *_unknown_audiences(document, model),
        *_include_cycles(configuration),
        *_shared_targets(document, model),
        *_shared_releases(document, model),
        *_shared_places(document, model),
        *_shared_previews(document, model),
    ]
    return (configuration if not problems else None), problems


def _releases(model: ReleasesModel | None) -> Releases | None:
    if model is None:
        return None
    overflow = {Sha256(digest): tag for tag, digests in model.overflow.items() for digest in digests}
    return Releases(repository=model.repository, server=(model.server or _GITHUB).rstrip("/"), overflow=overflow)


#: Where GitHub's pages are, and with them the assets of releases.
_GITHUB = "https://github.com"


def _inbox(model: InboxModel) -> Store:
    return Store(
        kind=model.kind, path=model.path or ".inbox", url=model.url or "", endpoint=model.endpoint or "",
        region=model.region or "", repository=model.repository or "",
    )  # fmt: skip


def _shared_releases(document: Document, model: IndexModel) -> Iterator[Problem]:
    """Find releases of two audiences in one repository, where each would show the names of the other; and misplaced digests."""
    first: dict[tuple[str, str], str] = {}
    for name, audience in model.audiences.items():
        if audience.releases is None:
            continue
        place = ("audiences", name, "releases")
        where = (audience.releases.server or _GITHUB, audience.releases.repository.casefold())
        if (other := first.setdefault(where, name)) != name:
            message = f"'{name}' has its files where '{other}' has them: whoever sees one repository sees both audiences' names"
            fix = "give each audience a repository of its own"
            yield Problem(rule="audience-shared", message=message, place=document.place(place), fix=fix)
        for tag, digests in audience.releases.overflow.items():
            for digest in digests:
                if digest[:2] != tag[5:7]:
                    message = f"{digest} does not begin as the release {tag} does"
                    fix = f"put it under pool-{digest[:2]}-{tag[8:]}"
                    yield Problem(rule="invalid-value", message=message, place=document.place((*place, "overflow", tag)), fix=fix)


def _target(model: TargetModel) -> Target:
    branch = model.kind == "pages-branch"
    return Target(
        name=Word(model.name), audience=Word(model.audience), kind=model.kind,
        grace=duration_of(model.grace) if model.grace is not None else timedelta(days=1), path=model.path or "",
        repository=model.repository or "", branch=model.branch or ("gh-pages" if branch else ""), history=model.history or 0,
        url=model.url or "", endpoint=model.endpoint or "", region=model.region or "",
        index_objects=model.index_objects if model.index_objects not in (None, "none") else "",
        edge=model.edge if model.edge not in (None, "none") else "", edge_form=model.edge_form or "",
    )  # fmt: skip


def _shared_targets(document: Document, model: IndexModel) -> Iterator[Problem]:
    """Find targets of one name, and targets in one place: each would undo what the other does."""
    names: dict[str, int] = {}
    places: dict[tuple[str, ...], int] = {}
    for number, target in enumerate(model.publish):
        first = names.setdefault(target.name, number)
        if first != number:
            yield _duplicate(document, ("publish", number, "name"), f"there is another target '{target.name}'")
        where = (target.kind, target.path or "", target.repository or "", target.branch or "", target.url or "", target.endpoint or "")
        if target.kind == "pages-artifact" and target.path is None:
            continue
        if places.setdefault(where, number) != number:
            yield _duplicate(document, ("publish", number), f"'{target.name}' is where '{model.publish[places[where]].name}' is")


def _shared_places(document: Document, model: IndexModel) -> Iterator[Problem]:
    """Find audiences whose files, or targets, are where another's are, or inside: who reads one could ask for the other's."""
    places: list[tuple[str, str, Path]] = [
        (name, audience.files, ("audiences", name, "files")) for name, audience in model.audiences.items() if "://" in audience.files
    ]
    for number, target in enumerate(model.publish):
        key = "url" if target.kind == "bucket" else "path"
        if target.kind in ("bucket", "directory") and (where := getattr(target, key)):
            on = target.endpoint or "" if key == "url" else ""
            places.append((target.audience, f"{on} {where.rstrip('/')}/", ("publish", number, key)))
    for one, (audience, where, path) in enumerate(places):
        for two, (other, outer, _) in enumerate(places):
            if audience != other and where.startswith(outer) and (where != outer or one > two):
                message = (
                    f"files of '{audience}' would be at {where.strip()}, which is {'' if where == outer else 'inside '}that of '{other}'"
                )
                fix = "give each audience a place of its own, none inside another's"
                yield Problem(rule="audience-shared", message=message, place=document.place(path), fix=fix)


def _previews(model: PreviewsModel | None) -> Previews | None:
    if model is None:
        return None
    return Previews(
        audience=Word(model.audience), kind=model.kind, site=model.site, label=model.label, path=model.path or "", url=model.url or "",
        endpoint=model.endpoint or "", region=model.region or "",
    )  # fmt: skip


def _shared_previews(document: Document, model: IndexModel) -> Iterator[Problem]:
    """Find previews where an index is published: what nobody has merged would be taken for it, by browsers too."""
    previews = model.previews
    if previews is None:
        return
    fix = "give previews a place and a host name of their own"
    for name, audience in model.audiences.items():
        if audience.url and urlsplit(audience.url).netloc.casefold() == urlsplit(previews.site).netloc.casefold():
            message = f"previews would be seen at the host of '{name}'"
            yield Problem(rule="previews-shared", message=message, place=document.place(("previews", "site")), fix=fix)
    key = "url" if previews.kind == "bucket" else "path"
    here = _with_slash(getattr(previews, key))
    for target in model.publish:
        there = _with_slash(getattr(target, key) or "")
        if target.kind == previews.kind and (here.startswith(there) or there.startswith(here)):
            message = f"previews would be where '{target.name}' is"
            yield Problem(rule="previews-shared", message=message, place=document.place(("previews", key)), fix=fix)


def _with_slash(where: str) -> str:
    return f"{where.rstrip('/')}/"


def _duplicate(document: Document, path: Path, message: str) -> Problem:
    return Problem(rule="target-duplicate", message=message, place=document.place(path), fix="give each target its own name and place")


def _clients(model: IndexModel) -> tuple[Environment, ...]:
    if model.clients is None:
        return ()
    return tuple(Environment.of(python, platform) for python, platform in product(model.clients.python, model.clients.platform))


def _unknown_audiences(document: Document, model: IndexModel) -> Iterator[Problem]:
    named: list[tuple[Path, str]] = [
        (("audiences", name, "includes", i), other) for name, a in model.audiences.items() for i, other in enumerate(a.includes)
    ]
    named += [(("publish", i, "audience"), target.audience) for i, target in enumerate(model.publish)]
    named += [(("previews", "audience"), model.previews.audience)] if model.previews else []
    known = ", ".join(model.audiences)
    for path, name in named:
        if name not in model.audiences:
            yield Problem(
                rule="audience-unknown", message=f"there is no audience '{name}'", place=document.place(path),
                fix=f"the audiences are: {known}",
            )  # fmt: skip


def _include_cycles(configuration: Configuration) -> Iterator[Problem]:
    graph = {name: audience.includes for name, audience in configuration.audiences.items()}
    for name in sorted(in_cycles(graph)):
        place = configuration.audiences[name].place
        yield Problem(rule="include-cycle", message=f"'{name}' includes itself", place=place, fix="break the circle")


def in_cycles(graph: Mapping[Word, Sequence[Word]]) -> set[Word]:
    """Return the nodes from which a walk along `graph` comes back to where it began."""
    found: set[Word] = set()
    for start in graph:
        seen: set[Word] = set()
        waiting = list(graph[start])
        while waiting:
            name = waiting.pop()
            if name == start:
                found.add(start)
                break
            if name not in seen:
                seen.add(name)
                waiting.extend(graph.get(name, ()))
    return found
