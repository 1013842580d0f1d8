"""A headless Chromium to look at pages with, driven over a pipe by its DevTools protocol. Start at `opened`.

No package is needed for that: `--remote-debugging-pipe` reads commands, JSON and a zero byte, from descriptor 3 and
answers on descriptor 4 (https://chromedevtools.github.io/devtools-protocol/).
"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # it may be run by root; it opens nothing but our own pages
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_SECONDS = 30.0
_KEYS = {
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Home": 36,
    "End": 35,
    "Tab": 9,
    "Enter": 13,
    "j": 74,
    "k": 75,
}


def installed() -> str | None:
    """The path of a Chromium, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def opened(program: str, folder: Path) -> "Iterator[Browser]":
    """A browser with a profile of its own in `folder`; nothing of it is left afterwards."""
    commands, ours = os.pipe()
    answers, theirs = os.pipe()

    def connect() -> None:
        high = [os.dup(commands), os.dup(theirs)]
        while high[-1] < 10:
            high.append(os.dup(high[-1]))
        reader, writer = os.dup(commands), os.dup(theirs)
        os.dup2(reader, 3)
        os.dup2(writer, 4)

    process = subprocess.Popen(
        [program, *_OPTIONS, f"--user-data-dir={folder}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=False,
        preexec_fn=connect,
        start_new_session=True,
    )
    os.close(commands)
    os.close(theirs)
    try:
        yield Browser(ours, answers)
    finally:
        os.close(ours)
        os.close(answers)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Browser:
    """One connection. Events are kept for the page that they are about."""

    def __init__(self, writer: int, reader: int) -> None:
        self._writer, self._reader = writer, reader
        self._data = b""
        self._last = 0
        self.events: dict[str, list[dict[str, Any]]] = {}

    def ask(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        data = json.dumps({**message, "sessionId": session} if session else message).encode() + b"\0"
        while data:
            data = data[os.write(self._writer, data) :]
        while True:
            answer = self.next()
            if answer.get("id") == self._last:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result

    def next(self) -> dict[str, Any]:
        """The next message; an event is kept, too."""
        deadline = time.monotonic() + _SECONDS
        while b"\0" not in self._data:
            ready, _, _ = select.select([self._reader], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            data = os.read(self._reader, 2**20)
            assert data, "the browser has ended"
            self._data += data
        text, _, self._data = self._data.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self.events.setdefault(message.get("sessionId", ""), []).append(message)
        return message

    def page(self, path: Path, *, script: bool = True, **look: Any) -> "Page":
        """A new page that shows the file at `path`, without a script if so wanted; `look` is for `Page.look`."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.ask(f"{domain}.enable")
        page.ask("Emulation.setScriptExecutionDisabled", value=not script)
        page.look(**look)
        page.open(path.as_uri())
        return page


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser, self._session, self._target = browser, session, target

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command for this tab."""
        return self._browser.ask(method, self._session, **parameters)

    @property
    def _events(self) -> list[dict[str, Any]]:
        return self._browser.events.setdefault(self._session, [])

    def open(self, url: str) -> None:
        """Load a page, to the end."""
        self._events.clear()
        self.ask("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._browser.next()

    def look(self, width: int = 1280, height: int = 900, scheme: str = "light", media: str = "") -> None:
        """The size of the window, the colour scheme that the user prefers, and the medium."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", media=media, features=features)

    def value(self, expression: str) -> Any:
        """What an expression comes to in the page; promises are waited for."""
        answer = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            fields = {"key": key, "code": f"Key{key.upper()}" if len(key) == 1 else key}
            text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
            code = _KEYS[key]
            self.ask("Input.dispatchKeyEvent", type="keyDown", windowsVirtualKeyCode=code, **fields, **text)
            self.ask("Input.dispatchKeyEvent", type="keyUp", windowsVirtualKeyCode=code, **fields)

    def type(self, text: str) -> None:
        """Put text in where the focus is."""
        self.ask("Input.insertText", text=text)

    def click(self, selector: str, number: int = 0) -> None:
        """Click with a mouse in the middle of an element."""
        place = self.value(
            f"(() => {{ const e = document.querySelectorAll({json.dumps(selector)})[{number}];"
            "e.scrollIntoView({block: 'center', inline: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1
            )

    def problems(self) -> list[str]:
        """What the page has complained of so far, and what it has asked for that is not its own file."""
        found = []
        self.value("new Promise(done => setTimeout(done, 0))")
        for event in self._events:
            name, told = event["method"], event["params"]
            if name in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
                found.append(json.dumps(told)[:300])
            elif name == "Network.requestWillBeSent" and not told["request"]["url"].startswith(
                ("file:", "data:")
            ):
                found.append(told["request"]["url"][:300])
        return found

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self.ask("Page.printToPDF", preferCSSPageSize=True)["data"])

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write a picture of the page as PNG: for the person who works on it."""
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        """Close the tab."""
        self._browser.ask("Target.closeTarget", targetId=self._target)
