"""Opens pages of `newsdesk eval --report` and `newsdesk bench --report` in headless Chromium and says what is wrong with them.

    python3 tests/pages/check.py PAGE... [--chromium PROGRAM] [--out FOLDER]

Without a network, at the widths of a phone and of a screen, light and dark: nothing may stick out to the right, every chart needs a
title, a text for those who do not see it, and names on its axes. Screenshots go to FOLDER, to be looked at.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

WIDTHS = (390, 768, 1200)

# What a page looks like from inside: runs in a frame of each width, since windows have a least width of their own.
PROBE = """<script>
addEventListener('load', () => {
  const page = document.documentElement, room = page.clientWidth;
  const scrolls = element => element.closest('.scroll') !== null;
  const out = [...document.querySelectorAll('body *')].filter(element =>
    !scrolls(element) && !element.closest('svg') && element.getBoundingClientRect().right > room + 1);
  const charts = [...document.querySelectorAll('svg')];
  parent.postMessage({
    room, wide: page.scrollWidth, out: out.slice(0, 5).map(element => element.outerHTML.slice(0, 120)), charts: charts.length,
    silent: charts.filter(chart => !chart.querySelector('title')?.textContent || !chart.querySelector('desc')?.textContent
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
    command = [options.chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=4000",
               "--proxy-server=127.0.0.1:9", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout


def look(options, page, width, folder):
    """What the page says of itself at a width."""
    probe, frame = folder / "probe.html", folder / f"frame-{width}.html"
    probe.write_text(page.read_text().replace("</body>", PROBE + "</body>"))
    frame.write_text(FRAME.format(width=width, height=6000, page=probe.as_uri()))
    found = re.search(r'<pre id="found">(.*?)</pre>', chromium(options, "--dump-dom", frame.as_uri()), re.S)
    for scheme, number in (("light", 1), ("dark", 0)):
        picture = options.out / f"{page.stem}-{width}-{scheme}.png"
        chromium(options, f"--blink-settings=preferredColorScheme={number}", f"--window-size={max(width, 500)},6000",
                 f"--screenshot={picture}", frame.as_uri())
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
    wrong = 0
    for page in options.pages:
        page = page.resolve()
        fetched = re.findall(r"""(?:src|href)=|url\(|<script|@import""", page.read_text())
        axes = [svg for svg in re.findall(r"<svg.*?</svg>", page.read_text(), re.S) if svg.count("<text") < 3]
        with tempfile.TemporaryDirectory() as folder:
            for width in WIDTHS:
                found = look(options, page, width, Path(folder))
                faults = []
                if not found:
                    faults.append("it did not open")
                else:
                    if found["wide"] > found["room"] or found["out"]:
                        faults.append(f"{found['wide']} pixels wide: {found['out']}")
                    if found["silent"]:
                        faults.append(f"{found['silent']} charts say nothing")
                if fetched:
                    faults.append(f"it wants {fetched}")
                if axes:
                    faults.append(f"{len(axes)} charts without names")
                wrong += len(faults)
                shown = f"{found['charts']} charts, smallest text {found['smallest']:.1f} px" if found else ""
                print(f"{page.name} at {width}: {'; '.join(faults) or 'fine'} ({shown})")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
