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

_S3: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/((?:[A-Za-z0-9._-]+/)*)", re.ASCII)
#: CloudFront takes no larger function.
_LARGEST_FUNCTION: Final = 10 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An audience in a bucket; `prefix` is '' or ends in a slash. `readers` are who may read it."""

    audience: Word
    address: Address | None
    bucket: str
    prefix: str
    readers: Readers

    @classmethod
    def of(cls, audience: Word, address: Address | None, url: str, readers: Readers) -> Self:
        """Take a target's `url`; raises ValueError where it is no bucket of S3."""
        found = _S3.fullmatch(url)
        if found is None:
            msg = f"{url!r} is no bucket of S3"
            raise ValueError(msg)
        return cls(audience=audience, address=address, bucket=found[1], prefix=found[2], readers=readers)


def policy_for_everybody(stored: Sequence[Stored]) -> dict[str, Any]:
    """Return the policy of a bucket: everybody may get what is in open audiences, and nobody anything else.

    Who may list a bucket is told that an object is absent (404) rather than refused (403), and sees the keys of all that is in it:
    so it is granted only where all of it is open.
    """
    bucket = f"arn:aws:s3:::{stored[0].bucket}"
    statements = [
        _statement(f"read-{one.audience}", "s3:GetObject", f"{bucket}/{one.prefix}*") for one in stored if one.readers.is_open
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
        raise UsageError(msg, fix="name the audiences of one host: --audience NAME")
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
        title=comment(title), host=next(iter(hosts)), bucket=next(iter(buckets)), stored=ordered, closed=closed, function=function,
    )  # fmt: skip
    return ConfigFile(name="cloudfront.yaml", text=text)
