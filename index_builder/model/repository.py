"""How a repository on GitHub is set up, as far as an index depends on it. None is what the token may not see."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment of deployments: whether people must approve them, and whether only some branches may deploy."""

    name: str
    has_reviewers: bool
    has_branches: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositorySettings:
    """A repository's settings.

    `required` are the contexts of statuses that its default branch requires, `is_strict` whether of the branch's own tip;
    `needs_pull` is whether only pull requests change it.
    `workflows` are the states of workflow files by name, `pages` the branch that Pages deploys, '' for a workflow's archive and
    None where there is none. `secrets` are the names of the repository's own. `may_open_pulls` is whether workflows may open
    pull requests, `default_rights` what their tokens may do where a workflow says nothing.
    """

    branch: str
    required: frozenset[str] | None = None
    is_strict: bool | None = None
    needs_pull: bool | None = None
    workflows: dict[str, str] | None = None
    environments: tuple[Environment, ...] | None = None
    has_pages: bool | None = None
    pages: str = ""
    secrets: tuple[str, ...] | None = None
    may_open_pulls: bool | None = None
    default_rights: str | None = None
