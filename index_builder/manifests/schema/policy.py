"""The shape of a policy file: policies.d/*.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from index_builder.manifests.kinds import PLAIN_NUMBER, Key, Line, Two
from index_builder.manifests.schema.shape import Shape, key
from index_builder.policy.rules import Action


class AccountModel(Shape):
    """A GitHub account; the number counts, the login is for readers."""

    login: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,39}$")] = key("The login, for readers.", "alice")
    id: Annotated[int, Field(gt=0), PLAIN_NUMBER] = key("The account's numeric id.", "1001")


class PersonModel(Shape):
    """A human."""

    github: AccountModel = key("Their account.", "{login: alice, id: 1001}")


class ApprovalsModel(Shape):
    """How many of whom."""

    count: Annotated[int, Field(gt=0, le=20), PLAIN_NUMBER] = key("How many people must approve.", "1")
    from_: Key = key("Of which group.", "team-web")


class RequirementModel(Shape):
    """What must hold before the actions that it names."""

    for_: Annotated[list[Action], Field(min_length=1)] = key("The actions that it is for.", "[create, release]")
    approvals: ApprovalsModel | None = key("Who must approve.", "{count: 1, from: team-web}", default=None)
    origins: list[Line] = key("Patterns of where bytes may come from.", '["github:acme/*"]', default=[])
    publisher: Literal["declared"] | None = key(
        "`declared`: a publisher of the manifest must have attested the files.", "declared", default=None
    )


class RuleModel(Shape):
    """Grants, requirements and denies for the projects or audiences that it selects."""

    id: Key = key("The rule's name, which decisions give as their reason.", "acme-namespace")
    projects: list[Annotated[str, Field(pattern=r"^[a-z0-9*?-]+$")]] = key("Patterns of normalized names.", '["acme-*"]', default=[])
    audiences: list[Key] = key("Audiences, for a rule about `download`.", "[public]", default=[])
    grant: dict[Key, list[Action]] = key(
        "Who may do what: a person, a group, `owners` (the manifest's) or `anyone` to actions.",
        "{owners: [release, yank, edit], team-web: [create]}", default={},
    )  # fmt: skip
    require: list[RequirementModel] = key(
        "What must hold first; requirements of all rules add up.", "[{for: [create], approvals: {count: 1, from: team-web}}]", default=[]
    )
    deny: dict[Key, list[Action]] = key("What nobody may do while the rule stands, whatever grants it.", "{anyone: [transfer]}", default={})


class PolicyModel(Shape):
    """policies.d/*.yaml: all files count together."""

    schema_: Two = key("Which form the file has.", "2")
    people: dict[Key, PersonModel] = key("Name to account.", "{alice: {github: {login: alice, id: 1001}}}", default={})
    groups: dict[Key, list[Key]] = key("Name to members, who are people or other groups.", "{team-web: [alice, bob]}", default={})
    rules: list[RuleModel] = key(
        "Grants add up, requirements add up, a deny wins, and what nothing grants is not allowed.",
        '[{id: maintainers, projects: ["*"], grant: {team-web: [create, release]}}]', default=[],
    )  # fmt: skip
