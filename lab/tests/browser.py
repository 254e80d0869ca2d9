# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
"""Drives the filter of a results page in headless Chromium: browser.py CHROMIUM PAGE FOLDER.

Chromium talks over two pipes, so nothing but Python's own library is needed. Screenshots go to FOLDER.
The page has the subtests of lab/tests/test-page.sh. The exit status is 1 if something is not as it
should be.
"""

from __future__ import annotations

import base64
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time
from typing import Any

OPTIONS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync --remote-debugging-pipe"""

DEADLINE_S = 90

VISIBLE = """[...document.querySelectorAll(".group tbody tr")].filter(
    row => row.offsetParent !== null).map(row => row.dataset.name).join(" ")"""


class Browser:
    """One page of Chromium."""

    def __init__(self, chromium: str, profile: str) -> None:
        command_read, self.command = os.pipe()
        self.answer, answer_write = os.pipe()

        def pipes() -> None:
            os.dup2(command_read, 13)
            os.dup2(answer_write, 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

        self.process = subprocess.Popen(
            [chromium, *OPTIONS.split(), f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=pipes,
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_read)
        os.close(answer_write)
        self.buffer, self.number, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            if not select.select([self.answer], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError("Chromium does not answer")
            received = os.read(self.answer, 1 << 16)
            if not received:
                raise OSError("Chromium has ended")
            self.buffer += received
        text, _, self.buffer = self.buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def call(self, method: str, **params: Any) -> Any:
        """A command of the DevTools protocol, and its answer."""
        self.number += 1
        request: dict[str, Any] = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.command, json.dumps(request).encode() + b"\0")
        deadline = time.monotonic() + DEADLINE_S
        while True:
            message = self._message(deadline)
            if message.get("id") == self.number:
                if "error" in message:
                    raise OSError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise OSError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def open(self, page: pathlib.Path, width: int) -> None:
        """Loads a file at a width, and waits until it is complete."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=1000,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.call("Network.enable")
        self.call("Page.enable")
        self.call("Page.navigate", url=page.as_uri())
        deadline = time.monotonic() + DEADLINE_S
        while self.value("document.readyState + (document.querySelector('h1') ? 1 : 0)") != "complete1":
            if time.monotonic() > deadline:
                raise TimeoutError("the page does not load")
            time.sleep(0.1)

    def type(self, name: str, text: str) -> None:
        """Types into the field NAME of the filter, in the place of what it has."""
        self.value(f"document.getElementById('filter').{name}.focus()")
        self.value(f"document.getElementById('filter').{name}.select()")
        if text:
            self.call("Input.insertText", text=text)
        else:
            for kind in ("keyDown", "keyUp"):
                self.call("Input.dispatchKeyEvent", type=kind, key="Delete", windowsVirtualKeyCode=46)

    def choose(self, kind: str) -> None:
        """Chooses a verdict."""
        self.value(
            f"(select => {{ select.value = {json.dumps(kind)};"
            "select.dispatchEvent(new Event('input', {bubbles: true})); })"
            "(document.getElementById('filter').kind)"
        )

    def screenshot(self, path: pathlib.Path) -> None:
        """The whole page."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """Ends Chromium."""
        self.process.kill()
        self.process.wait()


class Checks:
    """What is not as it should be."""

    def __init__(self) -> None:
        self.failed = 0

    def same(self, what: str, wanted: Any, got: Any) -> None:
        """Compares, and says so."""
        if wanted == got:
            print(f"ok - {what}")
        else:
            self.failed += 1
            print(f"not ok - {what}\n  wanted: {wanted}\n  got:    {got}")


def use_filter(browser: Browser, checks: Checks, width: int) -> None:
    """By name, by verdict, by time, and all of them."""

    def shows(what: str, names: str) -> None:
        checks.same(f"{width} pixels: {what}", names, browser.value(VISIBLE))

    shows("all subtests", "map-one map-two evict-remap evict-slow")
    browser.type("name", "EVICT")
    shows("a name", "evict-remap evict-slow")
    groups = "[...document.querySelectorAll('.group')].filter(g => !g.hidden).length"
    checks.same(f"{width} pixels: groups without a match", 1, browser.value(groups))
    browser.choose("Fail")
    shows("a name and a verdict", "evict-remap")
    browser.type("name", "")
    browser.choose("unexpected")
    shows("unexpected", "evict-remap")
    browser.choose("")
    browser.type("least", "2")
    shows("a time", "evict-slow")
    browser.type("name", "map")
    shows("nothing", "")
    none = "document.getElementById('none').hidden"
    checks.same(f"{width} pixels: nothing is said", False, browser.value(none))


def main() -> int:
    """Looks at the page on a desk and on a phone."""
    chromium, page, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    checks = Checks()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(chromium, profile)
        try:
            for width in (1300, 400):
                browser.open(page, width)
                browser.screenshot(folder / f"{page.stem}-{width}.png")
                over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                checks.same(f"{width} pixels: fits", 0, browser.value(over))
                picture = "document.querySelector('.picture svg').getBoundingClientRect().width >= 600"
                checks.same(f"{width} pixels: a picture to read", True, browser.value(picture))
                use_filter(browser, checks, width)
            asked = [
                event["params"]["request"]["url"]
                for event in browser.events
                if event.get("method") == "Network.requestWillBeSent"
            ]
            checks.same("asks for nothing else", {page.as_uri()}, set(asked))
        finally:
            browser.close()
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
