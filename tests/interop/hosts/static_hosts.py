"""Netlify and Cloudflare Pages on one machine, each with a folder in which are exactly the generated files.

Cloudflare's is its own server of Pages (wrangler, workerd). Netlify's is Node with what Netlify itself reads `_headers` and
`_redirects` and matches addresses with; around it stands what its documentation says of files and folders.
"""

import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from conftest import ROOT
from interop.hosts.edge import node
from interop.hosts.machines import free_port

KINDS = ("netlify", "cloudflare")
_EMULATORS = ROOT / "requirements" / "emulators"
#: Rules in the order of the file; one with `!` goes before a file that is there. Source: Netlify's documentation of redirects.
_NETLIFY = """
import { createReadStream, statSync } from 'fs';
import { createServer } from 'http';
import { createRequire } from 'module';
import { extname, join, normalize } from 'path';
const [modules, root] = process.argv.slice(2);
const require = createRequire(join(modules, 'x.js'));
const { parseAllHeaders } = await import(require.resolve('@netlify/headers-parser'));
const { parseAllRedirects } = await import(require.resolve('@netlify/redirect-parser'));
const redirector = require('netlify-redirector');
const common = { netlifyConfigPath: undefined, minimal: false };
const head = await parseAllHeaders({ ...common, headersFiles: [join(root, '_headers')], configHeaders: [] });
const moves = await parseAllRedirects({ ...common, redirectsFiles: [join(root, '_redirects')], configRedirects: [] });
if (head.errors.length || moves.errors.length) throw new Error([...head.errors, ...moves.errors].join('; '));
const rules = moves.redirects.map(({ from, query, conditions, ...more }) => ({ ...more, origin: from, params: query, conditions }));
const matcher = rules.length ? await redirector.parseJSON(JSON.stringify(rules), {}) : { match: () => null };
const kinds = { '.html': 'text/html; charset=UTF-8', '.css': 'text/css; charset=UTF-8', '.json': 'application/json', '.js': 'text/javascript; charset=UTF-8', '.xml': 'application/xml' };
const isFile = (path) => { try { return statSync(path).isFile(); } catch { return false; } };
const fileOf = (path) => [path, join(path, 'index.html')].map((one) => join(root, normalize(one))).find(isFile);
const server = createServer((asked, answer) => {
    const path = decodeURIComponent(new URL(asked.url, 'http://localhost').pathname);
    if (!path.endsWith('/') && !isFile(join(root, path)) && isFile(join(root, path, 'index.html'))) {
        answer.writeHead(301, { location: `${path}/` }).end();
        return;
    }
    const get = (name) => asked.headers[name.toLowerCase()] || '';
    const rule = matcher.match({ scheme: 'http', host: 'localhost', path, query: '', headers: asked.headers, cookieValues: {}, getHeader: get, getCookie: () => '' });
    const file = rule && (rule.force || !fileOf(path)) ? fileOf(rule.to) : fileOf(path);
    if (!file) {
        answer.writeHead(404, { 'content-type': 'text/plain' }).end('Not Found');
        return;
    }
    const more = Object.assign({}, ...head.headers.filter(({ forRegExp }) => forRegExp.test(path)).map(({ values }) => values));
    answer.setHeader('content-type', kinds[extname(file)] || 'application/octet-stream');
    for (const [name, value] of Object.entries(more)) answer.setHeader(name, value);
    answer.writeHead(200);
    asked.method === 'HEAD' ? answer.end() : createReadStream(file).pipe(answer);
});
server.listen(Number(process.argv[4]), '127.0.0.1');
"""


@contextmanager
def serving(kind: str, tree: Path, folder: Path):
    """Serve a tree in which the generated files are until the block ends; yields the port. What is written, is in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    modules, port = _EMULATORS / "node_modules", free_port()
    if kind == "netlify":
        (folder / "server.mjs").write_text(_NETLIFY)
        command = [node(), str(folder / "server.mjs"), str(modules), str(tree), str(port)]
    else:
        command = [node(), str(modules / "wrangler" / "bin" / "wrangler.js"), "pages", "dev", str(tree), "--ip", "127.0.0.1"]
        more = "--inspector-port 0 --compatibility-date 2025-01-01 --show-interactive-dev-session false"
        command += ["--port", str(port), *more.split()]
    own = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "WRANGLER_SEND_METRICS": "false", "CI": "1", "NO_PROXY": "127.0.0.1"}
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=os.environ | own, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 90
        while not _answers(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield port
    finally:
        os.killpg(process.pid, 15)  # wrangler has started workerd
        process.wait(20)


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
            return answer.status == 200
    except (URLError, ConnectionError, TimeoutError):
        return False


def valid_rules(log: str) -> tuple[int, int]:
    """Return how many redirects and headers Cloudflare's server took, by what it says."""
    redirects, headers = (re.search(rf"Parsed (\d+) valid {what} rule", log) for what in ("redirect", "header"))
    return int(redirects[1]) if redirects else 0, int(headers[1]) if headers else 0
