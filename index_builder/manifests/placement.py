"""Places that do not fit: audiences where more people can read them than the policies let in, and archives that nobody can look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from index_builder.model.problem import Problem
from index_builder.policy.readers import readers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from index_builder.manifests.loader import Document
    from index_builder.model.index import Configuration
    from index_builder.model.names import Word
    from index_builder.policy.rules import Policies

_OF_EVERYBODY: Final = frozenset({"pages-artifact", "pages-branch"})
_PRIVATE: Final = "publish it where passwords are asked for (index-builder host-config nginx), or keep Pages private (Enterprise Cloud)"


def placement_problems(configuration: Configuration, policies: Policies, document: Document) -> Iterator[Problem]:
    """Find audiences at Pages, in releases and on branches where others could read them too; `document` is `index.yaml`."""
    yield from _at_pages(configuration, policies, document)
    yield from _in_releases(configuration, policies, document)
    yield from _on_branches(configuration, policies, document)
    yield from _in_previews(configuration, policies, document)
    yield from _unseen(configuration, document)


def _at_pages(configuration: Configuration, policies: Policies, document: Document) -> Iterator[Problem]:
    for number, target in enumerate(configuration.publish):
        if target.kind in _OF_EVERYBODY and (granted := _granted(policies, target.audience)):
            message = f"'{target.name}' is Pages, which everybody may read, and {granted} granted download of {target.audience}"
            place = document.place(("publish", number, "kind"))
            yield Problem(rule="audience-exposed", message=message, place=place, fix=_PRIVATE, severity="warning")


def _in_releases(configuration: Configuration, policies: Policies, document: Document) -> Iterator[Problem]:
    for name, audience in configuration.audiences.items():
        if audience.releases and (granted := _granted(policies, name)):
            where = audience.releases.repository
            message = f"the files of '{name}' are in releases of {where}, for whoever sees that repository, and {granted} granted download"
            place = document.place(("audiences", name, "releases"))
            fix = "keep them where passwords are asked for: `files:` instead of `releases:`"
            yield Problem(rule="audience-exposed", message=message, place=place, fix=fix, severity="warning")


def _on_branches(configuration: Configuration, policies: Policies, document: Document) -> Iterator[Problem]:
    """Find audiences of different readers on branches of one repository: whoever may fetch one may fetch all, with their history."""
    first: dict[str, Word] = {}
    for number, target in enumerate(configuration.publish):
        if target.kind != "pages-branch":
            continue
        other = first.setdefault(target.repository.rstrip("/").removesuffix(".git").casefold(), target.audience)
        if other != target.audience and readers_of(policies, other) != readers_of(policies, target.audience):
            message = f"'{target.audience}' has a branch of the repository that '{other}' has one of: whoever fetches one may fetch both"
            place = document.place(("publish", number, "kind"))
            fix = "give each audience a repository of its own: `repository:`"
            yield Problem(rule="audience-shared", message=message, place=place, fix=fix)


def _unseen(configuration: Configuration, document: Document) -> Iterator[Problem]:
    """Find archives that are deployed where nobody says: what is live there cannot be asked for."""
    for number, target in enumerate(configuration.publish):
        if target.kind == "pages-artifact" and not configuration.audiences[target.audience].url:
            message = f"nothing says where '{target.name}' is deployed, so that a publication cannot know what is live"
            fix = f"write where readers get it: audiences: {{{target.audience}: {{url: https://…/}}}}"
            yield Problem(rule="target-unseen", message=message, place=document.place(("publish", number)), fix=fix, severity="warning")


def _in_previews(configuration: Configuration, policies: Policies, document: Document) -> Iterator[Problem]:
    previews = configuration.previews
    if previews and (granted := _granted(policies, previews.audience)):
        message = f"previews are for whoever finds them, and {granted} granted download of {previews.audience}"
        fix = "show an audience that is for everybody; members of others run: index-builder preview --pr N"
        yield Problem(rule="audience-exposed", message=message, place=document.place(("previews", "audience")), fix=fix)


def _granted(policies: Policies, audience: Word) -> str:
    """Say in a sentence's words who may read an audience; '' where everybody may."""
    readers = readers_of(policies, audience)
    return "" if readers.is_open else "only some people are" if readers.people else "nobody is"
