"""CloudFront on one machine: the function of a generated template in Node, with a store of hashes, and before a bucket."""

import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import yaml

_STORE = """
import { readFileSync } from 'fs';
const known = JSON.parse(readFileSync(new URL('./known.json', import.meta.url)));
export default { kvs: () => ({ get: async (name) => { if (!Object.hasOwn(known, name)) throw new Error('KeyNotFound'); return known[name]; } }) };
"""
#: What CloudFront does around its function: what that answers is the answer, what it changes is asked of the bucket.
_SERVER = """
import { createServer } from 'http';
import { handler } from './function.mjs';
const origin = process.argv[2];
const server = createServer(async (asked, answer) => {
    const headers = {};
    for (const name of Object.keys(asked.headers)) headers[name] = { value: asked.headers[name] };
    const found = await handler({ request: { method: asked.method, uri: asked.url, headers, querystring: {}, cookies: {} } });
    if (found.statusCode) {
        const given = Object.fromEntries(Object.entries(found.headers).map(([name, one]) => [name, one.value]));
        answer.writeHead(found.statusCode, given).end();
        return;
    }
    const got = await fetch(origin + found.uri, { headers: { authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0' } });
    const kept = ['content-type', 'cache-control', 'etag'].filter((name) => got.headers.has(name));
    answer.writeHead(got.status, Object.fromEntries(kept.map((name) => [name, got.headers.get(name)])));
    answer.end(asked.method === 'HEAD' ? undefined : Buffer.from(await got.arrayBuffer()));
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\\n`));
"""


def node() -> str:
    found = shutil.which("node")
    assert found, "node is missing: make programs"
    return found


def write_function(folder: Path, template: str, known: dict[str, str]) -> None:
    """Write the function of a template as a module, and the store that it asks: hashes by name."""
    code = yaml.safe_load(template)["Resources"]["Requests"]["Properties"]["FunctionCode"]
    assert len(code.encode()) < 10240
    store = folder / "node_modules" / "cloudfront"
    store.mkdir(parents=True)
    (folder / "function.mjs").write_text(code + "\nexport { handler };\n")
    (store / "package.json").write_text('{"type": "module", "main": "index.js"}')
    (store / "index.js").write_text(_STORE)
    (store / "known.json").write_text(json.dumps(known))


@contextmanager
def before(folder: Path, bucket: str):
    """Run the function before a bucket's URL until the block ends; yields the port."""
    (folder / "server.mjs").write_text(_SERVER)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([node(), "server.mjs", bucket], cwd=folder, stdout=subprocess.PIPE, stderr=output, text=True)
    try:
        line = process.stdout.readline()
        assert line, log.read_text()
        yield int(line)
    finally:
        process.terminate()
        process.communicate(timeout=20)
