"""The shape of a policy file: policies.d/*.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from index_builder.manifests.kinds import PLAIN_NUMBER, Key, Line, Two
from index_builder.manifests.schema.shape import Shape, key
from index_builder.model.project import Hosting
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

    hosting: list[Hosting] = key("Hosting modes that are allowed.", "[mirrored, hosted]", default=[])
    audiences: list[Key] = key("Audiences that the project may be for, and no other.", "[internal]", default=[])
    licenses: list[Line] = key(
        "Patterns of licenses that the files' License-Expression (PEP 639) may ask one to accept.", "[MIT, Apache-2.0, BSD-*]", default=[]
    )
    wait: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}[mhd]$")] | None = key(
        "How long it must have been proposed: minutes, hours or days.", "72h", default=None
    )
    max_size: Annotated[int, Field(gt=0), PLAIN_NUMBER] | None = key("The largest size of a file, in bytes.", "104857600", default=None)


class RuleModel(Shape):
    """Grants, requirements and denies for the projects or audiences that it selects."""

    id: Key = key("The rule's name, which decisions give as their reason.", "acme-namespace")
    projects: list[Annotated[str, Field(pattern=r"^[a-z0-9*?-]+$")]] = key("Patterns of normalized names.", '["acme-*"]', default=[])
    audiences: list[Key] = key("Audiences, for a rule about `download`.", "[public]", default=[])
    grant: dict[Key, list[Action]] = key(
        "Who may do what: a person, a group, `owners` (the manifest's), `publishers` (if they attested all that is new, "
        "whoever proposes it) or `anyone` to actions.",
        "{owners: [release, yank, edit], team-web: [create]}", default={},
    )  # fmt: skip
    require: list[RequirementModel] = key(
        "What must hold first; requirements of all rules add up.", "[{for: [create], approvals: {count: 1, from: team-web}}]", default=[]
    )
    merge: list[Action] = key("Actions that a workflow may merge without a person, once nothing is missing.", "[release, yank]", default=[])
    deny: dict[Key, list[Action]] = key("What nobody may do while the rule stands, whatever grants it.", "{anyone: [transfer]}", default={})


class ReservationModel(Shape):
    """Names of new projects that are kept for somebody."""

    names: Annotated[list[Annotated[str, Field(pattern=r"^[a-z0-9*?-]+$")]], Field(min_length=1)] = key(
        "Patterns of normalized names.", '["acme-*"]'
    )
    for_: Annotated[list[Key], Field(min_length=1)] = key(
        "People or groups, one of whom must create the project or approve it.", "[team-web]"
    )


class NamesModel(Shape):
    """When a new name is too near another."""

    distance: Annotated[int, Field(ge=0, le=3), PLAIN_NUMBER] = key(
        "So many edits away (Damerau-Levenshtein), a new name needs an administrator's word; 0 switches this off.", "1", default=1
    )
    min_length: Annotated[int, Field(ge=1, le=64), PLAIN_NUMBER] = key(
        "Only names of at least so many characters are compared by edits: of shorter ones, every second is near another.", "5", default=5
    )
    known: list[Key] = key("Names to keep away from, beside those that are well known anyway.", "[acme-core]", default=[])


class PolicyModel(Shape):
    """policies.d/*.yaml: all files count together."""

    schema_: Two = key("Which form the file has.", "2")
    people: dict[Key, PersonModel] = key("Name to account.", "{alice: {github: {login: alice, id: 1001}}}", default={})
    groups: dict[Key, list[Key]] = key("Name to members, who are people or other groups.", "{team-web: [alice, bob]}", default={})
    rules: list[RuleModel] = key(
        "Grants add up, requirements add up, a deny wins, and what nothing grants is not allowed.",
        '[{id: maintainers, projects: ["*"], grant: {team-web: [create, release]}}]', default=[],
    )  # fmt: skip
    reserved: list[ReservationModel] = key(
        "Names that are kept for somebody: others need their word to create such a project.",
        '[{names: ["acme-*"], for: [team-web]}]',
        default=[],
    )
    names: NamesModel | None = key("How near a new name may come to another; in one file only.", "{distance: 1}", default=None)
