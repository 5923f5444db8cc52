"""The shape of index.yaml."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from index_builder.manifests.kinds import (
    PLAIN_NUMBER,
    Base,
    Branch,
    Bucket,
    Digest,
    Duration,
    Endpoint,
    Files,
    Folder,
    Https,
    Key,
    Line,
    One,
    Platform,
    Python,
    Remote,
    Slug,
    Tag,
    Upstream,
    Where,
)
from index_builder.manifests.schema.shape import Shape, key


class ReleasesModel(Shape):
    """Releases of a GitHub repository, as the place of an audience's files."""

    repository: Slug = key("Whose releases hold them.", "acme/index")
    server: Endpoint | None = key("Where its pages are, if that is a server of your own.", "https://github.example.org", default=None)
    overflow: dict[Tag, list[Digest]] = key(
        "Digests of files that are in another release than their first two digits say, because that one is full.",
        "{pool-4f-2: [4f1c0b1e6bb0d39b2d7a4c6b1b6c1f0a2f3d4e5c6b7a8990a1b2c3d4e5f60718]}", default={},
    )  # fmt: skip


class AudienceModel(Shape):
    """Who may see an index; one published tree each."""

    url: Base | None = key(
        "Where the tree is published, ending in a slash; pages give it where relative links will not do.",
        "https://acme.github.io/index/",
        default=None,
    )
    files: Files = key(
        "Where its files are: `packages/` or a folder in it, or an absolute base, ending in a slash.", "packages/", default="packages/"
    )
    releases: ReleasesModel | None = key(
        "Instead of `files`: they are assets of releases, which `publish` puts there.", "{repository: acme/index}", default=None
    )
    includes: list[Key] = key("Audiences whose projects it sees too.", "[public]", default=[])

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        """Refuse two places for the same files."""
        if self.releases is not None and "files" in self.model_fields_set:
            raise PydanticCustomError("invalid-value", "files are either where `files:` says or in `releases:`")
        return self


class StoreModel(Shape):
    """A place for bytes by digest."""

    kind: Literal["directory"] = key("What kind of place it is.", "directory")
    path: Folder = key("The folder, relative to the repository.", ".pool")


_INBOX_NEEDS = {"directory": "path", "bucket": "url", "release": "repository"}


class InboxModel(Shape):
    """Where contributors put bytes of hosted files."""

    kind: Literal["directory", "bucket", "release"] = key("What kind of place it is.", "directory")
    path: Folder | None = key("For `kind: directory`: the folder, relative to the repository.", ".inbox", default=None)
    url: Bucket | None = key("For `kind: bucket`: the bucket and where in it, ending in a slash.", "s3://acme-inbox/hosted/", default=None)
    endpoint: Endpoint | None = key(
        "For `kind: bucket`: where the service is, if that is not the provider's own.", "https://storage.example.org", default=None
    )
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] | None = key(
        "For `kind: bucket`: its region.", "eu-central-1", default=None
    )
    repository: Slug | None = key("For `kind: release`: the GitHub repository with a release `inbox`.", "acme/index-inbox", default=None)

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        """Refuse keys that mean nothing for a kind, and say which is missing."""
        needed = _INBOX_NEEDS[self.kind]
        if getattr(self, needed) is None:
            raise PydanticCustomError("missing-key", "`kind: {kind}` needs `{name}:`", {"kind": self.kind, "name": needed})
        fitting = {needed, "endpoint", "region"} if self.kind == "bucket" else {needed}
        for name in ("path", "url", "endpoint", "region", "repository"):
            if getattr(self, name) is not None and name not in fitting:
                raise PydanticCustomError("invalid-value", "`{name}` is not for `kind: {kind}`", {"name": name, "kind": self.kind})
        return self


_KEYS_OF = {
    "directory": ("path", "edge", "edge_form"),
    "pages-artifact": ("path",),
    "pages-branch": ("repository", "branch", "history", "edge", "edge_form"),
    "bucket": ("url", "endpoint", "region", "index_objects"),
}
_NEEDED = {"directory": "path", "bucket": "url"}


def check_fitting(model: Shape, kind: str) -> None:
    """Refuse keys that mean nothing for a kind of place, and say which is missing."""
    for name in dict.fromkeys(name for names in _KEYS_OF.values() for name in names):
        if getattr(model, name, None) is not None and name not in _KEYS_OF[kind]:
            message = "`{name}` is not for `kind: {kind}`, which has: {names}"
            names = ", ".join(fitting for fitting in _KEYS_OF[kind] if hasattr(model, fitting)).replace("_", "-")
            raise PydanticCustomError("invalid-value", message, {"name": name.replace("_", "-"), "kind": kind, "names": names})
    needed = _NEEDED.get(kind)
    if needed and getattr(model, needed) is None:
        raise PydanticCustomError("missing-key", "`kind: {kind}` needs `{name}:`", {"kind": kind, "name": needed})


class TargetModel(Shape):
    """Where an audience is published."""

    name: Key = key("The target's name.", "pages")
    audience: Key = key("The audience whose tree goes there.", "public")
    kind: Literal["pages-artifact", "directory", "pages-branch", "bucket"] = key("What kind of host it is.", "pages-artifact")
    grace: Duration | None = key(
        "How long files stay that nothing leads to any more, for installers who are on their way to them; a day unless it is said.",
        "24h", default=None,
    )  # fmt: skip
    path: Where | None = key(
        "For `kind: directory`: the link that readers follow. For `kind: pages-artifact`: the tar, else `.publish/<name>.tar`.",
        "/srv/www/index", default=None,
    )  # fmt: skip
    repository: Remote | None = key(
        "For `kind: pages-branch`: whose branch it is; that of this repository's `origin` unless it is said.",
        "https://git.example.org/acme/index.git", default=None,
    )  # fmt: skip
    branch: Branch | None = key("For `kind: pages-branch`: its name, `gh-pages` unless it is said.", "gh-pages", default=None)
    history: Annotated[int, PLAIN_NUMBER, Field(ge=0, le=10_000)] | None = key(
        "For `kind: pages-branch`: how many commits are kept, `0` for all, which is what holds unless it is said.", "1", default=None
    )
    url: Bucket | None = key("For `kind: bucket`: the bucket and where in it, ending in a slash.", "s3://acme-index/public/", default=None)
    endpoint: Endpoint | None = key(
        "For `kind: bucket`: where the service is, if that is not the provider's own.", "https://storage.example.org", default=None
    )
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] | None = key(
        "For `kind: bucket`: its region.", "eu-central-1", default=None
    )
    index_objects: Literal["none", "html", "json"] | None = key(
        "For `kind: bucket` at s3://: also put the page of each project, in this form, as the object `simple/<project>/`, so that"
        " installers need no address that finds `index.html` in a folder. `none` unless it is said.",
        "html", default=None,
    )  # fmt: skip

    edge: Literal["none", "netlify", "cloudflare"] | None = key(
        "For `kind: directory` and `kind: pages-branch`: who deploys it, and takes `_headers` and `_redirects`, which are written for it."
        " `none` unless it is said.",
        "cloudflare", default=None,
    )  # fmt: skip
    edge_form: Literal["html", "json"] | None = key("With `edge:`: what every reader gets, `html` unless it is said.", "json", default=None)

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        """Refuse keys that mean nothing for a kind, and say which is missing."""
        check_fitting(self, self.kind)
        if self.edge_form is not None and self.edge in (None, "none"):
            raise PydanticCustomError("missing-key", "`edge-form:` needs `edge:`")
        if self.index_objects not in (None, "none") and not (self.url or "").startswith("s3://"):
            raise PydanticCustomError("invalid-value", "`index-objects` is for s3:// alone")
        if self.kind == "pages-artifact" and self.path is not None and not self.path.endswith(".tar"):
            raise PydanticCustomError("invalid-value", "the path of an archive ends with .tar")
        return self


class PreviewsModel(Shape):
    """Where previews of pull requests are shown to others."""

    audience: Key = key("Whose index they are of: one that is for everybody.", "public")
    kind: Literal["directory", "bucket"] = key("What kind of place it is.", "bucket")
    site: Base = key(
        "Where readers see it, ending in a slash: of another origin than every audience's `url:`.", "https://previews.example.org/"
    )
    label: Line = key("The label by which a maintainer has one shown that the policies do not allow yet.", "preview", default="preview")
    path: Where | None = key("For `kind: directory`: the folder, which something serves.", "/srv/www/previews", default=None)
    url: Bucket | None = key("For `kind: bucket`: the bucket and where in it, ending in a slash.", "s3://acme-previews/", default=None)
    endpoint: Endpoint | None = key(
        "For `kind: bucket`: where the service is, if that is not the provider's own.", "https://storage.example.org", default=None
    )
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] | None = key(
        "For `kind: bucket`: its region.", "eu-central-1", default=None
    )

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        """Refuse keys that mean nothing for a kind, and say which is missing."""
        check_fitting(self, self.kind)
        return self


class WebModel(Shape):
    """What pages for people say of the index besides what is in it."""

    repository: Https | None = key(
        "Where people see this repository: pages link to manifests there, to their history, and to the form that edits them.",
        "https://git.example.org/acme/index", default=None,
    )  # fmt: skip
    branch: Branch = key("The branch that is published.", "main", default="main")


class ClientsModel(Shape):
    """The environments that the index is for: each Python on each platform."""

    python: Annotated[list[Python], Field(min_length=1)] = key("Minor versions of CPython.", '["3.11", "3.13"]')
    platform: Annotated[list[Platform], Field(min_length=1)] = key(
        "Platform tags of wheels; plain `linux_…` stands for glibc 2.28.", "[linux_x86_64, win_amd64]"
    )


class IndexModel(Shape):
    """index.yaml, at the root of the repository."""

    schema_: One = key("Which form the file has.", "1")
    title: Line = key("The index's name, for people.", "Acme packages")
    upstreams: dict[Key, Upstream] = key(
        "Name to the simple API's URL of another index; `default` is pip's own index (PIP_INDEX_URL, or PyPI).",
        "{pypi: default}",
        default={},
    )
    audiences: Annotated[dict[Key, AudienceModel], Field(min_length=1)] = key(
        "Name to who may see what; one tree is built for each.", "{public: {url: https://acme.github.io/index/, files: packages/}}"
    )
    clients: ClientsModel | None = key(
        "The environments that the index is for. `add` takes the wheels that fit them, `check` looks for what their installers would miss.",
        '{python: ["3.11", "3.13"], platform: [linux_x86_64]}', default=None,
    )  # fmt: skip
    web: WebModel = key("The pages for people.", "{repository: https://git.example.org/acme/index, branch: main}", default=WebModel())
    pool: StoreModel = key(
        "Where bytes are kept by digest.", "{kind: directory, path: .pool}", default=StoreModel(kind="directory", path=".pool")
    )
    inbox: InboxModel = key(
        "Where contributors put bytes of hosted files: `pool push`.", "{kind: directory, path: .inbox}",
        default=InboxModel(kind="directory", path=".inbox"),
    )  # fmt: skip
    publish: list[TargetModel] = key(
        "Where each audience is published by `publish`; `build` writes folders whatever stands here.",
        "[{name: pages, audience: public, kind: pages-artifact}]", default=[],
    )  # fmt: skip
    previews: PreviewsModel | None = key(
        "Where pull requests are shown to others before they are merged; without it, they are shown nowhere.",
        "{audience: public, kind: bucket, url: s3://acme-previews/, site: https://previews.example.org/}", default=None,
    )  # fmt: skip
