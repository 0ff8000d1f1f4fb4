"""Fixtures over the control API of a mock server: one server for all tests, clean for each, and its journal in the report of one that fails."""
import json
import os
import re
import shlex
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest


class Lucy:
    """What a test may do with the server: GET /_lucy/openapi.json has all there is."""

    def __init__(self, url: str) -> None:
        self.url = url
        # Of the lines that other tests have left, none is shown.
        self.after = self.ask("POST", "reset")["after"]

    def ask(self, method: str, path: str, body: object = None):
        request = urllib.request.Request(f"{self.url}/_lucy/{path}", method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request) as response:
            text = response.read().decode()
        return json.loads(text) if response.headers.get_content_subtype() == "json" else text

    def add_fault(self, fault: object) -> None:
        """A name, or { name, channel, when, with }: GET /_lucy/catalogue lists them."""
        self.ask("POST", "faults", fault)

    def journal(self, kind: str = "*") -> list[dict]:
        """This test's lines, oldest first."""
        lines = self.ask("GET", f"journal?after={self.after}&kind={kind}")
        return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture(scope="session")
def lucy_url() -> Iterator[str]:
    """Of a server that runs as long as the tests do. LUCY_TESTKIT: how it is called, where npx is not the way."""
    command = shlex.split(os.environ.get("LUCY_TESTKIT", "npx --no-install lucy-testkit"))
    # A signal would end npx alone: the server goes when its stdin does, and that is ours, however we end.
    options = ["--mode", "none", "--port", "0", "--quiet", "--until-stdin-ends"]
    with subprocess.Popen([*command, "mock", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        said = ""
        for line in server.stdout:
            said += line
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                break
        else:
            raise RuntimeError(f"The mock server did not start. It said: {said}")
        yield found.group()


@pytest.fixture
def lucy(lucy_url: str, request: pytest.FixtureRequest) -> Lucy:
    request.node.lucy = Lucy(lucy_url)
    return request.node.lucy


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = yield
    if report.failed and hasattr(item, "lucy"):
        lines = item.lucy.journal()[-20:]
        report.sections.append(("mock server's journal", "\n".join(json.dumps(line) for line in lines)))
    return report
