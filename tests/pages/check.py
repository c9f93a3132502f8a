"""Checks pages of `newsdesk eval --report` and `newsdesk bench --report` in headless Chromium.

    python3 tests/pages/check.py PAGE... [--chromium PROGRAM] [--out FOLDER]

Opens each page without a network, at the widths of a phone and of a screen, in light and dark mode. Nothing may overflow to the
right. Every chart needs a title, a description for screen readers, and axis labels. Saves screenshots to FOLDER for review.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

WIDTHS = (390, 768, 1200)

# Measures a page from inside. It runs in a frame of each width, since browser windows have a minimum width.
PROBE = """<script>
addEventListener('load', () => {
  const page = document.documentElement, width = page.clientWidth;
  const scrolls = element => element.closest('.scroll') !== null;
  const outside = [...document.querySelectorAll('body *')].filter(element =>
    !scrolls(element) && !element.closest('svg') && element.getBoundingClientRect().right > width + 1);
  const charts = [...document.querySelectorAll('svg')];
  parent.postMessage({
    width, scrollWidth: page.scrollWidth, outside: outside.slice(0, 5).map(element => element.outerHTML.slice(0, 120)),
    charts: charts.length,
    undescribed: charts.filter(chart => !chart.querySelector('title')?.textContent || !chart.querySelector('desc')?.textContent
      || !chart.getAttribute('aria-label')).length,
    smallest: Math.min(99, ...[...document.querySelectorAll('svg text')].map(text =>
      parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getBoundingClientRect().width
        / text.ownerSVGElement.viewBox.baseVal.width)),
  }, '*');
});
</script>"""

FRAME = """<!doctype html><body style="margin:0"><iframe style="border:0;width:{width}px;height:{height}px" src="{page}"></iframe>
<pre id="found"></pre><script>addEventListener('message', event => {{ found.textContent = JSON.stringify(event.data); }});</script>"""


def chromium(options, *arguments):
    """Runs Chromium without a network, and returns its standard output."""
    command = [options.chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=4000",
               "--proxy-server=127.0.0.1:9", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout


def measure(options, page, width, folder):
    """Returns what the probe measures in the page at a width."""
    probe, frame = folder / "probe.html", folder / f"frame-{width}.html"
    probe.write_text(page.read_text().replace("</body>", PROBE + "</body>"))
    frame.write_text(FRAME.format(width=width, height=6000, page=probe.as_uri()))
    found = re.search(r'<pre id="found">(.*?)</pre>', chromium(options, "--dump-dom", frame.as_uri()), re.S)
    for scheme, number in (("light", 1), ("dark", 0)):
        screenshot = options.out / f"{page.stem}-{width}-{scheme}.png"
        chromium(options, f"--blink-settings=preferredColorScheme={number}", f"--window-size={max(width, 500)},6000",
                 f"--screenshot={screenshot}", frame.as_uri())
    text = found.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&") if found else ""
    return json.loads(text) if text else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--chromium", default="chromium")
    parser.add_argument("--out", type=Path, default=Path("screenshots"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    options.out = options.out.resolve()
    failures = 0
    for page in options.pages:
        page = page.resolve()
        external = re.findall(r"""(?:src|href)=|url\(|<script|@import""", page.read_text())
        unlabelled = [svg for svg in re.findall(r"<svg.*?</svg>", page.read_text(), re.S) if svg.count("<text") < 3]
        with tempfile.TemporaryDirectory() as folder:
            for width in WIDTHS:
                found = measure(options, page, width, Path(folder))
                faults = []
                if not found:
                    faults.append("cannot open the page")
                else:
                    if found["scrollWidth"] > found["width"] or found["outside"]:
                        faults.append(f"overflows to {found['scrollWidth']} pixels: {found['outside']}")
                    if found["undescribed"]:
                        faults.append(f"{found['undescribed']} charts without title or description")
                if external:
                    faults.append(f"scripts or links to other files: {external}")
                if unlabelled:
                    faults.append(f"{len(unlabelled)} charts without axis labels")
                failures += len(faults)
                shown = f"{found['charts']} charts, smallest text {found['smallest']:.1f} px" if found else ""
                print(f"{page.name} at {width}: {'; '.join(faults) or 'passed'} ({shown})")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
