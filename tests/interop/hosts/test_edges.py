"""S3, CloudFront, Netlify and Cloudflare Pages: what is generated for them is run as far as it runs on one machine."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys

import boto3
import pytest
import yaml
from botocore.config import Config
from interop.hosts.edge import node, write_function
from interop.hosts.world import JSON, POLICY
from published import CREDENTIALS, s3

SETTINGS = """\
schema: 1
title: 'Acme $(touch /tmp/evil) "x" `y`'
audiences:
  public: {url: https://index.example.org/, files: packages/}
  internal: {url: https://index.example.org/internal/, files: packages/, includes: [public]}
  team: {url: https://team.example.org/, files: packages/}
  partners: {files: packages/}
publish:
  - {name: a, audience: public, kind: bucket, url: s3://acme-index/public/, region: eu-central-1}
  - {name: b, audience: internal, kind: bucket, url: s3://acme-index/internal/, region: eu-central-1}
  - {name: c, audience: team, kind: bucket, url: s3://acme-team/}
"""
#: Stands in for the aws command: the same calls, by the same library, to a server on loopback.
AWS = """\
#!{python}
import json, os, sys
import boto3
from botocore.config import Config
client = boto3.client("s3", endpoint_url=os.environ["SERVER"], config=Config(proxies={{}}), region_name="us-east-1")
assert sys.argv[1] == "s3api", sys.argv
call, given = sys.argv[2], dict(zip(sys.argv[3::2], sys.argv[4::2], strict=True))
bucket = given.pop("--bucket")
if call == "put-bucket-policy":
    json.loads(given["--policy"])
    client.put_bucket_policy(Bucket=bucket, Policy=given["--policy"])
elif call == "put-bucket-website":
    client.put_bucket_website(Bucket=bucket, WebsiteConfiguration=json.loads(given["--website-configuration"]))
elif call == "put-public-access-block":
    pairs = dict(pair.split("=") for pair in given["--public-access-block-configuration"].split(","))
    client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={{k: v == "true" for k, v in pairs.items()}})
else:
    raise SystemExit(call)
"""


@pytest.fixture
def edges(repo):
    (repo / "index.yaml").write_text(SETTINGS)
    (repo / "policies.d" / "maintainers.yaml").write_text(POLICY)
    return repo


@pytest.fixture(scope="module")
def server():
    with s3() as url:
        yield url


@pytest.fixture
def aws(tmp_path, server):
    """Run a script with the stand-in; return a client to look at what it did."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "aws").write_text(AWS.format(python=sys.executable))
    (tmp_path / "bin" / "aws").chmod(0o755)
    environment = {**os.environ, **CREDENTIALS, "SERVER": server, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    client = boto3.client(
        "s3", endpoint_url=server, config=Config(proxies={}), region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
    )

    def run(script: str):
        for bucket in ("acme-index", "acme-team"):
            client.create_bucket(Bucket=bucket)
        done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return client

    return run


def test_a_bucket_of_open_and_closed_audiences(edges, cli, aws):
    """Everybody may get what is open, nobody may list the bucket nor get anything else; it is a website."""
    done = cli("host-config", "s3", "--worktree", "--audience", "public")
    client = aws(done.out)
    policy = json.loads(client.get_bucket_policy(Bucket="acme-index")["Policy"])
    (statement,) = policy["Statement"]
    assert statement == {
        "Sid": "ReadA",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::acme-index/public/*",
    }
    assert client.get_bucket_website(Bucket="acme-index")["IndexDocument"] == {"Suffix": "index.html"}
    assert not client.get_public_access_block(Bucket="acme-index")["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]
    assert "what is absent is 403" in done.out
    assert not os.path.exists("/tmp/evil")  # noqa: PTH110 - that is where the title would write


def test_a_bucket_that_is_all_open(edges, cli, aws):
    """What is absent is 404, because everybody may list the bucket."""
    (edges / "policies.d" / "maintainers.yaml").write_text(
        POLICY.replace(
            "{id: staff-reads, audiences: [internal], grant: {staff", "{id: staff-reads, audiences: [internal], grant: {anyone"
        ).replace("  - {id: not-dave, audiences: [internal], deny: {dave: [download]}}\n", "")
    )
    done = cli("host-config", "s3", "--worktree", "--audience", "public")
    policy = json.loads(aws(done.out).get_bucket_policy(Bucket="acme-index")["Policy"])
    assert [(s["Action"], s["Resource"]) for s in policy["Statement"]] == [
        ("s3:GetObject", "arn:aws:s3:::acme-index/public/*"), ("s3:GetObject", "arn:aws:s3:::acme-index/internal/*"), ("s3:ListBucket", "arn:aws:s3:::acme-index"),
    ]  # fmt: skip


def test_a_bucket_that_is_all_closed(edges, cli, aws):
    """Nobody gets anything of it without IAM."""
    client = aws(cli("host-config", "s3", "--worktree", "--audience", "team").out)
    assert set(client.get_public_access_block(Bucket="acme-team")["PublicAccessBlockConfiguration"].values()) == {True}


def test_two_places_of_one_audience(edges, cli, aws):
    """A policy names each once; a distribution has one origin, so somebody says which."""
    more = "  - {name: d, audience: public, kind: bucket, url: s3://acme-index/mirror/, region: eu-central-1}\n"
    (edges / "index.yaml").write_text(SETTINGS + more)
    client = aws(cli("host-config", "s3", "--worktree", "--audience", "public").out)
    statements = json.loads(client.get_bucket_policy(Bucket="acme-index")["Policy"])["Statement"]
    assert [statement["Resource"].rpartition(":")[2] for statement in statements] == ["acme-index/public/*", "acme-index/mirror/*"]
    assert len({statement["Sid"] for statement in statements}) == 2
    done = cli("host-config", "cloudfront", "--worktree", "--audience", "public")
    assert done.code == 2
    assert "'a' and 'd' are both of 'public'" in done.err
    assert "--target a" in done.err
    done = cli("host-config", "cloudfront", "--worktree", "--target", "d")
    assert yaml.safe_load(done.out)["Resources"]["Policy"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"] == [
        "arn:aws:s3:::acme-index/mirror/*"
    ]


def test_a_bucket_that_is_no_one_of_aws(edges, cli):
    """Another service takes neither the policy nor the distribution: it is left out, and told."""
    (edges / "index.yaml").write_text(SETTINGS.replace("s3://acme-team/", "s3://acme-team/, endpoint: https://storage.example.org"))
    done = cli("host-config", "s3", "--worktree", "--audience", "team")
    assert (done.code, done.out) == (2, "")
    assert "'c' is at https://storage.example.org, which has other policies than S3" in done.err
    assert "team has no place of `kind: bucket` in S3" in done.err


PROGRAM = """
import { handler } from './function.mjs';
import { readFileSync } from 'fs';
const answers = [];
for (const request of JSON.parse(readFileSync(0, 'utf8'))) {
    const headers = {};
    for (const name of Object.keys(request.headers)) headers[name] = { value: request.headers[name] };
    const found = await handler({ request: { method: request.method, uri: request.uri, headers, querystring: {}, cookies: {} } });
    answers.push(found.statusCode ? { status: found.statusCode, headers: found.headers } : { uri: found.uri, headers: found.headers });
}
process.stdout.write(JSON.stringify(answers));
"""


@pytest.fixture
def edge(edges, cli, tmp_path):
    """Run the function of the template in Node, with a store of passwords as CloudFront has one; `edge(requests)` are its answers."""
    done = cli("host-config", "cloudfront", "--worktree", "--audience", "public", "--audience", "internal")
    assert done.code == 0, done.err
    folder = tmp_path / "edge"
    write_function(folder, done.out, {name: hashlib.sha256(f"pw-{name}".encode()).hexdigest() for name in ("alice", "bob", "carol")})
    (folder / "program.mjs").write_text(PROGRAM)

    def run(*requests):
        asked = [{"method": "GET", "headers": {}} | request for request in requests]
        done = subprocess.run([node(), "program.mjs"], cwd=folder, input=json.dumps(asked), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_the_function_of_cloudfront(edge):
    """It lets in whom the policies do, finds the object, tells JSON from HTML, and mends names."""
    place = "/internal/simple/acme-core/"
    asked = [
        ({"uri": "/simple/"}, "/public/simple/index.html"), ({"uri": "/simple/", "headers": {"accept": JSON}}, "/public/simple/index.v1_json"),
        ({"uri": "/simple/six/", "headers": {"accept": f"{JSON};q=0.1, text/html"}}, "/public/simple/six/index.html"),
        ({"uri": "/simple/six/", "headers": {"accept": f"{JSON}, text/html;q=0.1"}}, "/public/simple/six/index.v1_json"),
        ({"uri": "/simple/six/", "headers": {"accept": f"{JSON};q=0"}}, "/public/simple/six/index.html"),
        ({"uri": "/simple/index.v1_json"}, "/public/simple/index.v1_json"), ({"uri": "/packages/aa/x.whl"}, "/public/packages/aa/x.whl"),
        ({"uri": "/"}, "/public/index.html"), ({"uri": place, "headers": basic("alice", "pw-alice")}, "/internal/simple/acme-core/index.html"),
        ({"uri": place, "headers": basic("bob", "pw-bob") | {"accept": JSON}}, "/internal/simple/acme-core/index.v1_json"),
        ({"uri": place}, 401), ({"uri": place, "headers": basic("alice", "pw-bob")}, 401), ({"uri": place, "headers": basic("zoe", "x")}, 401),
        ({"uri": place, "headers": basic("carol", "pw-carol")}, 403), ({"uri": place, "headers": basic("constructor", "x")}, 401),
        ({"uri": place, "headers": {"authorization": "Bearer x"}}, 401), ({"uri": "/internal/absent", "headers": basic("carol", "pw-carol")}, 403),
        ({"uri": "/simple/", "method": "POST"}, 405), ({"uri": "/simple/", "method": "HEAD"}, "/public/simple/index.html"),
        *(({"uri": path}, 404) for path in ("/x/../internal/simple/", "/.git", "//internal/simple/", "/%2e%2e/internal/x", "/a%2Fb", "/a\\\\b")),
    ]  # fmt: skip
    answers = edge(*(request for request, _ in asked))
    for (request, expected), found in zip(asked, answers, strict=True):
        assert found.get("uri", found.get("status")) == expected, request
        assert "authorization" not in found["headers"]
        if expected == 401:
            assert found["headers"]["www-authenticate"]["value"] == 'Basic realm="internal"'


def test_the_step_that_stores_a_password(edges, cli, tmp_path):
    """The command of the template hashes what host-config printed, from its file: the password is on no command line."""
    text = cli("host-config", "cloudfront", "--worktree", "--audience", "internal").out
    (command,) = re.findall(r"--value \"\$\((.*)\)\"\n", text)
    made = cli("host-config", "password", "alice", "--passwords", tmp_path / "passwords").out
    (tmp_path / "password-of-alice").write_text(made)
    asked = command.replace("~/password-of-NAME", str(tmp_path / "password-of-alice"))
    done = subprocess.run(["sh", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(made.strip().encode()).hexdigest()
    assert "PASSWORD" not in text


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        ("/simple", "/simple/"), ("/simple/six", "/simple/six/"), ("/simple/Foo.Bar__b", "/simple/foo-bar-b/"), ("/simple/A--b/", "/simple/a-b/"),
    ],
)  # fmt: skip
def test_names_at_cloudfront(edge, typed, place):
    """A name as it was typed leads to the page."""
    (found,) = edge({"uri": typed})
    assert (found["status"], found["headers"]["location"]["value"]) == (301, place)


def test_the_template_of_cloudfront(edges, cli):
    """Only CloudFront reads the bucket, only these audiences of it, and no password is in the file; references lead somewhere."""
    text = cli("host-config", "cloudfront", "--worktree", "--audience", "public", "--audience", "internal").out
    resources = yaml.safe_load(text)["Resources"]
    read, listing = resources["Policy"]["Properties"]["PolicyDocument"]["Statement"]
    assert read["Resource"] == ["arn:aws:s3:::acme-index/internal/*", "arn:aws:s3:::acme-index/public/*"]
    assert (read["Principal"], listing["Action"]) == ({"Service": "cloudfront.amazonaws.com"}, "s3:ListBucket")
    assert all(list(s["Condition"]) == ["StringEquals"] for s in (read, listing))
    config = resources["Distribution"]["Properties"]["DistributionConfig"]
    assert (config["Aliases"], config["DefaultCacheBehavior"]["ViewerProtocolPolicy"]) == (["index.example.org"], "https-only")
    assert config["Origins"][0]["DomainName"] == "acme-index.s3.eu-central-1.amazonaws.com"
    assert "--region eu-central-1" in text
    named = set(re.findall(r"(?:Ref: |GetAtt: \[)(\w+)", text))
    assert named <= {*resources, "CertificateArn"}
    assert not re.search(r"^[^#]*[&*]\w+$", text, re.MULTILINE)  # CloudFormation knows no aliases of YAML
    opened = yaml.safe_load(cli("host-config", "cloudfront", "--worktree", "--audience", "public").out)["Resources"]
    assert "Passwords" not in opened
    assert "cf.kvs" not in opened["Requests"]["Properties"]["FunctionCode"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("cloudfront", "--audience", "public", "--audience", "team"), "one host name and one bucket"), (("s3",), "a script is for one bucket"),
        (("s3", "--audience", "pubic"), "did you mean 'public'?"), (("s3", "--target", "z"), "target 'z' has no place"),
        (("cloudfront", "--audience", "team"), "the region of the bucket acme-team is not known"), (("netlify",), "there are several audiences"),
        (("netlify", "--audience", "internal"), "knows none of your people"), (("cloudflare", "--audience", "team"), "knows none of your people"),
    ],
)  # fmt: skip
def test_mistakes(edges, cli, arguments, said):
    """What a host cannot do is refused, with the host that can."""
    done = cli("host-config", *arguments, "--worktree")
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_too_many_readers(edges, cli):
    """A function that CloudFront would not take is not written."""
    names = [f"person-{n:03}-{'x' * 50}" for n in range(170)]
    people = "".join(f"  {name}: {{github: {{login: p-{n}, id: {n + 1}}}}}\n" for n, name in enumerate(names))
    grants = "".join(f"    {name}: [download]\n" for name in names)
    (edges / "policies.d" / "maintainers.yaml").write_text(
        f"schema: 2\npeople:\n{people}rules:\n- id: all\n  audiences: [internal]\n  grant:\n{grants}"
    )
    done = cli("host-config", "cloudfront", "--worktree", "--audience", "internal")
    assert done.code == 2
    assert "CloudFront takes 10,240" in done.err


def rules(text: str) -> dict[str, dict[str, str]]:
    """Read a `_headers` file as its hosts do: an address, then its headers, indented."""
    found: dict[str, dict[str, str]] = {}
    address = ""
    for line in text.splitlines():
        if line.startswith("/"):
            address = line
            assert address not in found, address
        elif line.startswith("  "):
            name, _, value = line.strip().partition(": ")
            found.setdefault(address, {})[name] = value
        else:
            assert not line or line.startswith("#"), line
    return found


@pytest.mark.parametrize("kind", ["netlify", "cloudflare"])
@pytest.mark.parametrize("form", ["html", "json"])
def test_headers_and_redirects(edges, cli, tmp_path, kind, form):
    """Both files are written into the folder; no address gets one header twice; each form is what every reader gets."""
    done = cli("host-config", kind, "--worktree", "--audience", "public", "--form", form, "--output", tmp_path / "tree")
    more = ", 404.html" if kind == "cloudflare" else ""
    assert f"_headers, _redirects{more} written into" in done.err
    found = rules((tmp_path / "tree" / "_headers").read_text())
    assert found["/packages/*"]["Cache-Control"] == "public, max-age=31536000, immutable"
    assert found["/tuf/timestamp.json"] == {"Cache-Control": "no-cache"}
    assert found["/simple/:project/index.v1_json"] == {"Content-Type": JSON}
    assert len(found) < 100
    patterns = {address: re.compile(re.sub(r"\*", ".*", re.sub(":project", "[^/]+", address))) for address in found}
    for path in (
        "/simple/",
        "/simple/six/",
        "/simple/six/index.v1_json",
        "/packages/a/b",
        "/packages.json",
        "/pypi/six/json",
        "/tuf/timestamp.json",
    ):
        names = [name for address, pattern in patterns.items() if pattern.fullmatch(path) for name in found[address]]
        assert len(names) == len(set(names)), path
    assert found.get("/simple/:project/", {}).get("Content-Type") == (JSON if form == "json" else None)
    lines = [line.split() for line in (tmp_path / "tree" / "_redirects").read_text().splitlines() if not line.startswith("#")]
    assert [line[0] for line in lines] == (["/simple/", "/simple/:project/"] if form == "json" else [])


def test_what_is_generated_says_what_it_cannot(edges, cli):
    """Each file tells its limits; that bandersnatch cannot copy from there is one of each."""
    for kind in ("s3", "cloudfront", "netlify", "cloudflare"):
        limits = cli("host-config", kind, "--audience", "public", "--worktree").out.partition("does not:")[2]
        assert "X-PyPI-Last-Serial" in limits, kind
