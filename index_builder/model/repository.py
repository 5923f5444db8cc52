"""How a repository on GitHub is set up, as far as an index depends on it. None is what the token may not see."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment of deployments: whether people must approve them, and the patterns of branches that may deploy.

    No patterns are all branches; None of them or of `secrets`, which are names, is what the token may not see.
    """

    name: str
    has_reviewers: bool
    branches: tuple[str, ...] | None = ()
    secrets: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositorySettings:
    """A repository's settings.

    `required` are the contexts of statuses that its default branch requires, `is_strict` whether of the branch's own tip;
    `needs_pull` is whether only pull requests change it, `reviews` how many approvals GitHub itself wants of one.
    `workflows` are the states of workflow files by name, `scheduled` when a schedule last started some of them, `actions` whose
    actions may run (`all`, `local_only`, `selected`; '' for none at all). `pages` is the branch that Pages deploys, '' for a
    workflow's archive and None where there is none, `is_public` whether everybody may read them. `secrets` are the names of the
    repository's own. `may_open_pulls` is whether workflows may open pull requests, `default_rights` what their tokens may do where
    a workflow says nothing.
    """

    branch: str
    required: frozenset[str] | None = None
    is_strict: bool | None = None
    needs_pull: bool | None = None
    reviews: int | None = None
    workflows: dict[str, str] | None = None
    scheduled: dict[str, datetime] = field(default_factory=dict)
    actions: str | None = None
    environments: tuple[Environment, ...] | None = None
    has_pages: bool | None = None
    pages: str = ""
    is_public: bool | None = None
    secrets: tuple[str, ...] | None = None
    may_open_pulls: bool | None = None
    default_rights: str | None = None
