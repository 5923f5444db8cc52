"""Clients of hosts that are somebody else's machines: CloudFront's function before a bucket, Netlify and Cloudflare Pages."""

import hashlib
import shutil
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
from botocore.config import Config
from conftest import run_tool
from interop.hosts import edge, static_hosts
from live import Live
from published import CREDENTIALS, s3

from index_builder.adapters.object_store import content_type

NAMES = {"cloudfront": "CloudFront", "netlify": "Netlify", "cloudflare": "Cloudflare Pages"}
_SETTINGS = """\
schema: 1
title: Acme packages
audiences: {public: {files: packages/}, team: {url: 'https://index.example.org/', files: packages/}}
publish: [{name: t, audience: team, kind: bucket, url: 's3://acme-index/team/', region: us-east-1}]
"""
_POLICY = """\
schema: 2
people: {alice: {github: {login: alice, id: 1001}}, bob: {github: {login: bob, id: 1002}}}
rules: [{id: open, audiences: [public], grant: {anyone: [download]}}, {id: team, audiences: [team], grant: {alice: [download]}}]
"""


@contextmanager
def serving(kind: str, form: str, tree: Path, folder: Path, passwords: dict[str, str]):
    """Serve a tree at a host with exactly what host-config writes; CloudFront asks for passwords, the others give all to everybody."""
    repository = folder / "repository"
    (repository / "policies.d").mkdir(parents=True)
    (repository / "index.yaml").write_text(_SETTINGS)
    (repository / "policies.d" / "team.yaml").write_text(_POLICY)
    start = _cloudfront if kind == "cloudfront" else _static
    with start(kind, form, tree, folder, passwords) as port, noting(port) as noted:
        yield noted


def _configured(repository: Path, *arguments) -> None:
    done = run_tool("index_builder", "host-config", *arguments, "--repo", repository, "--worktree")
    assert done.returncode == 0, done.stderr


@contextmanager
def _static(kind: str, form: str, tree: Path, folder: Path, _passwords: dict[str, str]):
    deployed = shutil.copytree(tree, folder / "tree")
    _configured(folder / "repository", kind, "--audience", "public", "--form", form, "--output", deployed)
    with static_hosts.serving(kind, deployed, folder / "run") as port:
        yield port


@contextmanager
def _cloudfront(_kind: str, _form: str, tree: Path, folder: Path, passwords: dict[str, str]):
    _configured(folder / "repository", "cloudfront", "--audience", "team", "--output", folder)
    known = {name: hashlib.sha256(password.encode()).hexdigest() for name, password in passwords.items()}
    edge.write_function(folder, (folder / "cloudfront.yaml").read_text(), known)
    with s3() as server:
        keys = {"aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"]}
        client = boto3.client("s3", endpoint_url=server, config=Config(proxies={}), region_name="us-east-1", **keys)
        for path in sorted(path for top in ("simple", "packages") for path in (tree / top).rglob("*") if path.is_file()):
            name = path.relative_to(tree).as_posix()
            client.put_object(Bucket="acme-index", Key=f"team/{name}", Body=path.read_bytes(), ContentType=content_type(name))
        with edge.before(folder, f"{server}/acme-index") as port:
            yield port


@contextmanager
def noting(port: int):
    """Hand requests on to a port, and note each with its status."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request(self.command, self.path, headers=dict(self.headers.items()))
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            noted.requests.append(f"{self.command} {self.path} {answer.status}")
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    noted = Live(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield noted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
