"""The shape of index.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from index_builder.manifests.kinds import Base, Files, Folder, Key, Line, One, Platform, Python, Upstream
from index_builder.manifests.schema.shape import Shape, key


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
    includes: list[Key] = key("Audiences whose projects it sees too.", "[public]", default=[])


class StoreModel(Shape):
    """A place for bytes by digest."""

    kind: Literal["directory"] = key("What kind of place it is.", "directory")
    path: Folder = key("The folder, relative to the repository.", ".pool")


class TargetModel(Shape):
    """Where an audience is published."""

    name: Key = key("The target's name.", "pages")
    audience: Key = key("The audience whose tree goes there.", "public")
    kind: Literal["pages-artifact", "directory"] = key("What kind of host it is.", "pages-artifact")
    path: Folder | None = key("The folder, for `kind: directory`.", "published", default=None)


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
    pool: StoreModel = key(
        "Where bytes are kept by digest.", "{kind: directory, path: .pool}", default=StoreModel(kind="directory", path=".pool")
    )
    inbox: StoreModel = key(
        "Where contributors put bytes of hosted files: `pool push`.", "{kind: directory, path: .inbox}",
        default=StoreModel(kind="directory", path=".inbox"),
    )  # fmt: skip
    publish: list[TargetModel] = key(
        "Where each audience is published. Read and validated; `build` writes folders whatever stands here.",
        "[{name: pages, audience: public, kind: pages-artifact}]", default=[],
    )  # fmt: skip
