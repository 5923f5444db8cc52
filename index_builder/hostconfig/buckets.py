"""Audiences in buckets: who may read objects, and a CDN before them that knows people."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from index_builder.errors import UsageError
from index_builder.hostconfig.values import ConfigFile, comment
from index_builder.model.address import Address
from index_builder.model.names import Word
from index_builder.policy.readers import Readers

if TYPE_CHECKING:
    from jinja2 import Environment

    from index_builder.model.index import Target

_S3: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/((?:[A-Za-z0-9._-]+/)*)", re.ASCII)
#: CloudFront takes no larger function.
_LARGEST_FUNCTION: Final = 10 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A target in a bucket; `prefix` is '' or ends in a slash, `region` is '' where nothing says it. `readers` are who may read it."""

    target: Word
    audience: Word
    address: Address | None
    region: str
    bucket: str
    prefix: str
    readers: Readers

    @classmethod
    def of(cls, target: Target, address: Address | None, readers: Readers) -> Self:
        """Take a target; raises ValueError where its `url` is no bucket of S3."""
        found = _S3.fullmatch(target.url)
        if found is None:
            msg = f"{target.url!r} is no bucket of S3"
            raise ValueError(msg)
        return cls(
            target=target.name, audience=target.audience, address=address, region=target.region, bucket=found[1], prefix=found[2],
            readers=readers,
        )  # fmt: skip


def policy_for_everybody(stored: Sequence[Stored]) -> dict[str, Any]:
    """Return the policy of a bucket: everybody may get what is in open audiences, and nobody anything else.

    Who may list a bucket is told that an object is absent (404) rather than refused (403), and sees the keys of all that is in it:
    so it is granted only where all of it is open.
    """
    bucket = f"arn:aws:s3:::{stored[0].bucket}"
    statements = [
        _statement(f"read-{one.target}", "s3:GetObject", f"{bucket}/{one.prefix}*") for one in stored if one.readers.is_open
    ]  # fmt: skip
    if all(one.readers.is_open for one in stored):
        statements.append(_statement("tell-what-is-absent", "s3:ListBucket", bucket))
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(name: str, action: str, resource: str) -> dict[str, Any]:
    sid = "".join(part.capitalize() for part in re.split("[^A-Za-z0-9]+", name))
    return {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource}


def render_s3(title: str, stored: Sequence[Stored], templates: Environment) -> ConfigFile:
    """Return the script that lets readers at one bucket; `stored` are all audiences that are in it."""
    policy = json.dumps(policy_for_everybody(stored), indent=2)
    opened = [one for one in stored if one.readers.is_open]
    text = templates.get_template("hosts/s3.sh.jinja").render(
        title=comment(title), bucket=stored[0].bucket, stored=stored, opened=opened, all_open=len(opened) == len(stored), policy=policy,
    )  # fmt: skip
    return ConfigFile(name="s3.sh", text=text)


def render_cloudfront(title: str, stored: Sequence[Stored], templates: Environment) -> ConfigFile:
    """Return a CloudFormation template: a distribution for one host name before one bucket. Raises UsageError where it cannot be one."""
    hosts = {one.address.host for one in stored if one.address}
    buckets = {one.bucket for one in stored}
    if len(hosts) != 1 or len(buckets) != 1:
        msg = f"a distribution is for one host name and one bucket, and these have {', '.join(sorted(hosts | buckets))}"
        raise UsageError(msg, fix="name the audiences of one host: --audience NAME, or the targets of one bucket: --target NAME")
    _check_origin(stored)
    ordered = sorted(stored, key=lambda one: (-len(one.address.prefix if one.address else ""), one.audience))
    known = [
        {
            "prefix": one.address.prefix if one.address else "", "folder": f"/{one.prefix}".removesuffix("/"), "name": one.audience,
            "readers": None if one.readers.is_open else list(one.readers.people),
        }
        for one in ordered
    ]  # fmt: skip
    closed = [one for one in ordered if not one.readers.is_open]
    function = templates.get_template("hosts/cloudfront.js.jinja").render(audiences=json.dumps(known), closed=closed)
    if len(function.encode()) > _LARGEST_FUNCTION:
        msg = f"the function would have {len(function.encode()):,} bytes, and CloudFront takes {_LARGEST_FUNCTION:,}"
        raise UsageError(msg, fix="serve audiences with so many readers by nginx: index-builder host-config nginx")
    text = templates.get_template("hosts/cloudfront.yaml.jinja").render(
        title=comment(title), host=next(iter(hosts)), bucket=stored[0].bucket, region=stored[0].region, stored=ordered, closed=closed,
        function=function,
    )  # fmt: skip
    return ConfigFile(name="cloudfront.yaml", text=text)


def _check_origin(stored: Sequence[Stored]) -> None:
    """Raise UsageError where two targets would answer for one audience, or nobody says where the bucket is."""
    served: dict[Word, Stored] = {}
    for one in stored:
        if (other := served.setdefault(one.audience, one)) is not one:
            msg = f"'{other.target}' and '{one.target}' are both of '{one.audience}', and a distribution serves it from one place"
            raise UsageError(msg, fix=f"name the target: --target {other.target}")
    if len(regions := {one.region for one in stored}) > 1:
        msg = f"{', '.join(sorted(region or 'none' for region in regions))} are named as the region of one bucket, {stored[0].bucket}"
        raise UsageError(msg, fix="write the same `region:` for each of its targets in index.yaml")
    if not stored[0].region:
        msg = f"the region of the bucket {stored[0].bucket} is not known"
        raise UsageError(msg, fix=f"say it in index.yaml: `region:` of the target '{stored[0].target}'")
