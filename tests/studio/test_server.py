"""The server: this machine alone, its own files alone, and a sentence where the port is taken."""

import http.client
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from tconv.errors import SettingError
from tconv.studio import open_server
from tconv.studio.files import STATIC, types

COMMAND = [sys.executable, "-m", "tconv", "studio"]


def asked(served, path, *, method="GET", host=None):
    connection = http.client.HTTPConnection(urlsplit(served).netloc, timeout=10)
    connection.request(method, path, headers={"Host": host or urlsplit(served).netloc})
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def test_every_file_of_the_page_is_served_as_it_is(served):
    for name, kind in types().items():
        status, headers, content = asked(served, f"/{name}?x=1")
        assert (status, headers["Content-Type"]) == (200, kind)
        if name != "index.html":
            assert content == (STATIC / name).read_bytes()


def test_the_first_file_names_every_module_and_is_else_as_it_is(served):
    lines = asked(served, "/")[2].decode().splitlines()
    links = [line for line in lines if "modulepreload" in line]
    assert {link.split('"')[3] for link in links} == {name for name in types() if name.endswith(".js")}
    assert [line for line in lines if line not in links] == (STATIC / "index.html").read_text().splitlines()
    assert asked(served, "/index.html")[2] == asked(served, "/")[2]


def test_one_connection_brings_several_files(served):
    connection = http.client.HTTPConnection(urlsplit(served).netloc, timeout=10)
    for name in ("main.js", "style.css"):
        connection.request("GET", f"/{name}")
        answer = connection.getresponse()
        assert (answer.read(), answer.will_close) == ((STATIC / name).read_bytes(), False)


@pytest.mark.parametrize("path", ["/../server.py", "/..%2fserver.py", "/static/index.html", "/etc/passwd",
                                  "//etc/passwd", "/__init__.py"])
def test_nothing_else_is_served(served, path):
    assert asked(served, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_but_reading_is_answered(served, method):
    assert asked(served, "/", method=method)[0] == 501


def test_a_page_under_another_name_gets_no_answer(served):
    assert asked(served, "/", host="studio.example.org")[0] == 421
    assert asked(served, "/", host=urlsplit(served).netloc.replace("127.0.0.1", "localhost"))[0] == 200


def test_the_page_may_run_its_own_scripts_alone(served):
    status, headers, content = asked(served, "/", method="HEAD")
    assert (status, content) == (200, b"")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


def test_it_listens_on_this_machine_s_own_address():
    with open_server(0) as server:
        assert server.server_address[0] == "127.0.0.1"


def test_a_port_in_use_is_a_sentence_with_the_cure():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingError, match=rf"port {port} is in use; take another, as --port {port + 1}, or "
                           f"--port 0"):
            open_server(port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_a_sentence(port):
    with pytest.raises(SettingError, match=rf"port is {port}, but has to be from 0"):
        open_server(port)


def test_ctrl_c_ends_the_studio_cleanly():
    pytest.importorskip("typer")
    process = subprocess.Popen([*COMMAND, "--port", "0", "--no-browser"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        assert process.stdout.readline().startswith("The studio is at http://127.0.0.1:")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, rest, errors) == (0, "", "Ended.\n")


def test_the_command_line_says_that_a_port_is_in_use(served):
    pytest.importorskip("typer")
    port = urlsplit(served).port
    result = subprocess.run([*COMMAND, "--port", str(port), "--no-browser"], capture_output=True, text=True,
                            timeout=60, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"tconv: studio: port {port} is in use; take another")
