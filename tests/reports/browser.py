"""A report in headless Chromium: what sticks out of the page, what the console says, and a picture to look at."""

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any

import msgspec

from tests.servers import NotInstalled

_MEASURED = re.compile(r'<pre id="measured">(.*?)</pre>', re.DOTALL)
_CONSOLE = re.compile(r":CONSOLE[:(]\d+\)?\] (.*)")

# A window cannot be as narrow as a telephone, a frame can. What scrolls of itself may be wider than the page.
_AROUND = """<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<style>body {{ margin: 0 }} iframe {{ border: 0; display: block }} pre {{ display: none }}</style>
<iframe width="{width}" height="{height}" srcdoc="{page}"></iframe><pre id="measured"></pre>
<script>
onload = () => {{
  const page = document.querySelector("iframe").contentDocument, root = page.documentElement;
  const out = [...page.querySelectorAll("body *:not(.spoken)")].filter(one =>
    !one.parentElement.closest(".scroll, svg") && one.getBoundingClientRect().right > root.clientWidth + 0.5);
  document.querySelector("#measured").textContent = JSON.stringify({{
    width: root.scrollWidth,
    sticking_out: out.map(one => one.tagName + " " + one.textContent.slice(0, 40)),
    background: page.defaultView.getComputedStyle(root).backgroundColor,
    text: page.body.innerText.length,
  }});
}};
</script>"""


class Look(msgspec.Struct, frozen=True):
    """What Chromium made of a page."""

    width: int
    """Of the whole page in pixels: more than that of the window when one has to scroll sideways."""
    sticking_out: list[str]
    background: str
    text: int
    """Characters that can be seen."""
    console: list[str]
    picture: Path


def look(page: bytes, folder: Path, width: int, *, dark: bool) -> Look:
    """The page as a window of ``width`` pixels shows it; the picture stays in ``folder``."""
    name = f"{width}-{'dark' if dark else 'light'}"
    around, picture = folder / f"{name}.html", folder / f"{name}.png"
    around.write_text(_AROUND.format(width=width, height=3000, page=escape(page.decode())), encoding="utf-8")
    command = [
        *(
            find_chromium(),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--enable-logging=stderr",
        ),
        *(f"--user-data-dir={folder / name}", f"--blink-settings=preferredColorScheme={0 if dark else 1}"),
        *(f"--window-size={max(width, 500)},3000", f"--screenshot={picture}", "--dump-dom", around.as_uri()),
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    measured = _MEASURED.search(run.stdout)
    assert measured, run.stderr
    found: dict[str, Any] = json.loads(unescape(measured[1]))
    return Look(**found, console=_CONSOLE.findall(run.stderr), picture=picture)


def find_chromium() -> str:
    """The path of its program. Raises ``NotInstalled``."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise NotInstalled("These tests look at reports in Chromium: apt-get install chromium")
