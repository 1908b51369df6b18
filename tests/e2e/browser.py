# SPDX-License-Identifier: Apache-2.0
"""A page in headless Chromium: what a reader would see of it, told by a probe that is put into a copy of the page."""
import html
import json
import os
import re
import shutil
import subprocess

PATHS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
DARK = "--blink-settings=preferredColorScheme=0"
# Runs in the copy: its width, texts that overlap each other or stick out of their drawing, contrast, what the pointer shows.
PROBE = r"""<script>
addEventListener('load', function () {
  function luminance(c) {
    var v = c.match(/[\d.]+/g).slice(0, 3).map(function (x) {
      x /= 255
      return x <= .03928 ? x / 12.92 : Math.pow((x + .055) / 1.055, 2.4)
    })
    return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]
  }
  var paper = luminance(getComputedStyle(document.body).backgroundColor), overlaps = [], outside = [], pale = []
  function contrast(c) { var l = luminance(c); return (Math.max(l, paper) + .05) / (Math.min(l, paper) + .05) }
  document.querySelectorAll('svg').forEach(function (svg) {
    var view = svg.viewBox.baseVal, boxes = []
    svg.querySelectorAll('text').forEach(function (t) {
      var b = t.getBBox()
      if (b.x < -1 || b.y < -1 || b.x + b.width > view.width + 1 || b.y + b.height > view.height + 1) outside.push(t.textContent)
      boxes.forEach(function (o) {
        if (b.x + 1 < o[0].x + o[0].width && o[0].x + 1 < b.x + b.width &&
            b.y + 3 < o[0].y + o[0].height && o[0].y + 3 < b.y + b.height)
          overlaps.push(t.textContent + ' / ' + o[1])
      })
      boxes.push([b, t.textContent])
      if (!t.matches('.onstep') && contrast(getComputedStyle(t).fill) < 2.8) pale.push(t.textContent)
    })
  })
  document.querySelectorAll('p,td,th,h1,h2,h3,.kind,.big b').forEach(function (t) {
    if (contrast(getComputedStyle(t).color) < 4.5) pale.push(t.tagName + ' ' + t.textContent.slice(0, 40))
  })
  var shown = []
  document.querySelectorAll('g.plot').forEach(function (g) {
    var box = g.querySelector('.hit').getBoundingClientRect()
    var at = {bubbles: true, clientX: box.x + box.width * .4, clientY: box.y + box.height / 2}
    g.dispatchEvent(new PointerEvent('pointermove', at))
    var out = g.ownerSVGElement.parentNode.nextElementSibling
    shown.push(out && out.tagName === 'OUTPUT' ? out.textContent : '')
  })
  var table = document.querySelector('table').getBoundingClientRect()
  var root = document.documentElement
  parent.postMessage({scroll: root.scrollWidth, client: root.clientWidth, overlaps: overlaps, outside: outside, pale: pale,
    shown: shown, paper: paper, seen: table.height > 0}, '*')
})
</script>"""
WRAPPER = """<!DOCTYPE html><title>wrapper</title><iframe width="%d" height="900" src="probed.html"></iframe><pre id="told"></pre>
<script>addEventListener('message', function (e) {
  document.getElementById('told').textContent = JSON.stringify(e.data)
})</script>"""


def find():
    """The browser's path, or None. CHROMIUM= names another."""
    named = os.environ.get("CHROMIUM")
    return named if named else next((p for p in map(shutil.which, PATHS) if p), None)


class Browser:
    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def run(self, *options):
        """Its standard output, and the lines that the page wrote to its console."""
        p = subprocess.run([self.path, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
                            "--user-data-dir=" + os.path.join(self.folder, "profile"), "--enable-logging=stderr", "--v=0",
                            *options],
                           capture_output=True, text=True, errors="replace", timeout=240)
        return p.stdout, [line for line in p.stderr.splitlines() if "CONSOLE" in line]

    def console(self, page):
        """What a page writes to the console."""
        path = os.path.join(self.folder, "console.html")
        with open(path, "w") as f:
            f.write(page)
        return self.run("--dump-dom", "--virtual-time-budget=3000", "file://" + path)[1]

    def probe(self, page, width, *options):
        """What the probe says of the page in a frame of that width; {} when it says nothing."""
        for name, text in ("probed.html", page.replace("</body>", PROBE + "</body>")), ("wrapper.html", WRAPPER % width):
            with open(os.path.join(self.folder, name), "w") as f:
                f.write(text)
        dom, _ = self.run("--dump-dom", "--virtual-time-budget=5000", "--window-size=1600,1000", *options,
                          "file://" + os.path.join(self.folder, "wrapper.html"))
        told = re.search(r'<pre id="told">(.*?)</pre>', dom, re.S)
        text = html.unescape(told.group(1)) if told else ""
        return json.loads(text) if text else {}

    def pages(self, path):
        """How many pages it prints to."""
        pdf = os.path.join(self.folder, "out.pdf")
        self.run("--no-pdf-header-footer", "--print-to-pdf=" + pdf, "file://" + path)
        with open(pdf, "rb") as f:
            return len(re.findall(rb"/Type\s*/Page\b(?!s)", f.read()))

    def screenshot(self, path, width, height):
        """Bytes of a PNG."""
        png = os.path.join(self.folder, "out.png")
        self.run("--hide-scrollbars", "--window-size=%d,%d" % (width, height), "--screenshot=" + png, "file://" + path)
        with open(png, "rb") as f:
            return f.read()
