"""nginx, Apache and Caddy as Debian packages them, each started with exactly the files that host-config wrote."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

#: What Debian's own nginx.conf says around what it includes from conf.d/.
NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 2;
{user}
events {{}}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    log_format asked '$request_method $request_uri $status';
    access_log {folder}/access.log asked;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    include {files}/nginx.conf;
}}
"""
#: The same of apache2.conf, with the modules that the generated file asks for, and mime, which Debian enables.
APACHE = """\
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
LogLevel warn
CustomLog {folder}/access.log "%m %U %>s"
ServerName localhost
TypesConfig {types}
{modules}
{user}
<Directory />
    Options FollowSymLinks
    AllowOverride None
    Require all denied
</Directory>
IncludeOptional {files}/apache.conf
"""
_MODULES = (
    "mpm_event", "alias", "auth_basic", "authn_core", "authn_file", "authz_core", "authz_groupfile", "authz_user", "headers", "mime", "rewrite", "ssl",
    "socache_shmcb",
)  # fmt: skip
_DEBIAN = Path("/usr/lib/apache2/modules")
KINDS = ("nginx", "apache", "caddy")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def running(kind: str, files: Path, folder: Path, port: int):
    """Run a host with the files of a folder until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    command, settings = _command(kind, files, folder)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=os.environ | settings)
    try:
        deadline = time.monotonic() + 30
        while not _listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _command(kind: str, files: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    root = os.geteuid() == 0
    if kind == "nginx":
        conf = folder / "outer.conf"
        conf.write_text(NGINX.format(folder=folder, files=files, user="user root;" if root else ""))
        return [_program("nginx"), "-c", str(conf), "-e", str(folder / "error.log")], {}
    if kind == "apache":
        modules = "\n".join(f"LoadModule {name}_module {_DEBIAN}/mod_{name}.so" for name in _MODULES)
        conf = folder / "outer.conf"
        conf.write_text(
            APACHE.format(
                folder=folder,
                types=next(filter(os.path.exists, ["/etc/mime.types", os.devnull])),
                files=files,
                modules=modules,
                user="User nobody\nGroup nogroup" if root else "",
            )
        )
        return [_program("apache2"), "-DFOREGROUND", "-f", str(conf)], {}
    homes = {"XDG_DATA_HOME": str(folder / "caddy"), "XDG_CONFIG_HOME": str(folder / "caddy")}
    return [_program("caddy"), "run", "--adapter", "caddyfile", "--config", str(files / "Caddyfile")], homes


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert found, f"{name} is missing: make programs"
    return found


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
