"""A status bar in a compositor without a screen, and a browser."""

import base64
import json
import os
import shutil
import subprocess

from harness import check, expect, wait_for
from processes import Child, ENVIRONMENT, Impossible, PROGRAM, Service, path, write

PICTURES = os.environ.get("PICTURES") or path("pictures")
os.makedirs(PICTURES, exist_ok=True)
# No theme has them.
MODULE_COLOUR = (0x12, 0x34, 0xAB)
TEXT_COLOUR = (0xFE, 0xDC, 0x21)


def picture(name):
    return os.path.join(PICTURES, name)


def pixels(data):
    """The colours of a picture in PPM, as grim writes it."""
    kind, size, most, colours = data.split(b"\n", 3)
    expect(kind == b"P6" and most == b"255", f"grim wrote {kind} {size} {most}")
    return colours


def count(colours, colour):
    return sum(colours[at:at + 3] == bytes(colour) for at in range(0, len(colours), 3))


def hexadecimal(colour):
    return "#" + "".join(f"{part:02x}" for part in colour)


def unprivileged():
    """The program where every user may run it, and what makes another user of root: sway does not start as root."""
    os.mkdir(path("desktop"), 0o700)
    if os.geteuid() != 0:
        return PROGRAM, []
    shutil.chown(path("desktop"), "nobody", "nogroup")
    return shutil.copy(PROGRAM, path("pkg-watt-stat")), [
        "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]


@check("waybar's custom module shows the watts, in the colours of their status")
def _():
    service = Service.simulated()
    program, user = unprivileged()
    bar = write("waybar.json", json.dumps({
        "layer": "top", "position": "top", "height": 40, "modules-left": ["custom/watts"], "modules-center": [],
        "modules-right": [],
        "custom/watts": {
            "exec": f"{program} export --socket {service.socket} --format waybar --follow", "return-type": "json"},
    }))
    style = write("waybar.css", f"""
        * {{ font-family: "DejaVu Sans"; font-size: 20px; }}
        window#waybar {{ background: #000000; }}
        #custom-watts {{ padding: 0 12px; color: {hexadecimal(TEXT_COLOUR)}; }}
        #custom-watts.simulated {{ background: {hexadecimal(MODULE_COLOUR)}; }}
    """)
    settings = write("sway.conf", f"output HEADLESS-1 mode 800x200\nexec waybar --config {bar} --style {style}\n")
    sway = Child("sway", *user, "dbus-run-session", "sway", "--config", settings, environment={
        "WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1", "WLR_RENDERER": "pixman",
        "HOME": path("desktop"), "XDG_RUNTIME_DIR": path("desktop")})
    display = sway.wait_for("the display", lambda: [
        name for name in os.listdir(path("desktop")) if name.startswith("wayland-") and not name.endswith(".lock")])[0]

    def grim(*arguments):
        try:
            done = subprocess.run(
                ["grim", *arguments], env={**ENVIRONMENT, "WAYLAND_DISPLAY": path(f"desktop/{display}")}, capture_output=True, timeout=30,
                check=False)
        except FileNotFoundError:
            raise Impossible("grim is not installed: scripts/setup --consumers") from None
        return done.stdout if done.returncode == 0 else None

    def shown():
        data = grim("-t", "ppm", "-")
        colours = data and pixels(data)
        # The module's ground, and a word or two on it.
        return colours and count(colours, MODULE_COLOUR) > 2000 and count(colours, TEXT_COLOUR) > 100 and colours

    first = sway.wait_for("the module in its class's colour", shown, 60)
    sway.wait_for("other watts", lambda: (now := shown()) and now != first, 60)
    grim(picture("waybar.png"))
    sway.end()
    return f"see {picture('waybar.png')}"


class Browser:
    """Chromium without a screen, by its debugging pipe: one JSON object and a zero byte for each message."""

    def __init__(self):
        to_read, self.input = os.pipe()
        self.output, to_write = os.pipe()
        # Chromium reads from descriptor 3 and writes to 4.
        self.child = Child(
            "chromium", "sh", "-c", f'exec chromium "$@" 3<&{to_read} 4>&{to_write}', "sh", "--headless=new",
            "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--no-proxy-server",
            f"--user-data-dir={path('chromium')}", "about:blank", pass_fds=(to_read, to_write))
        os.close(to_read)
        os.close(to_write)
        self.buffer = b""
        self.number = 0
        self.session = None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Log.enable")
        self.call("Network.enable")
        self.call("Runtime.enable")
        self.call("Page.enable")

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.input, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                expect("error" not in answer, f"{method}: {answer.get('error')}")
                return answer["result"]
            self.events.append(answer)

    def receive(self):
        while b"\0" not in self.buffer:
            more = os.read(self.output, 1 << 20)
            expect(more, f"chromium has ended: {self.child.output()[-2000:]}")
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def value(self, expression):
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def screenshot(self, name):
        data = base64.b64decode(self.call("Page.captureScreenshot")["data"])
        with open(picture(name), "wb") as file:
            file.write(data)
        return data

    def complaints(self):
        """What the browser logged of the page: errors, and what its security policy forbade."""
        return [
            event for event in self.events
            if event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")]

    def requested(self):
        return [
            event["params"]["request"]["url"] for event in self.events
            if event.get("method") == "Network.requestWillBeSent"]


@check("Chromium shows the live page, light and dark, and its graph moves")
def _():
    service = Service.simulated()
    browser = Browser()
    for scheme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.call("Emulation.setDeviceMetricsOverride", width=1000, height=760, deviceScaleFactor=1, mobile=False)
        browser.call("Page.navigate", url=service.url)
        graph = 'document.getElementById("line").getAttribute("d")'
        drawn = wait_for("a graph", lambda: browser.value(graph))
        first = browser.screenshot(f"page-{scheme}-1.png")
        latest = wait_for("a graph that moved twice", lambda: (now := browser.value(graph)) not in (drawn, None) and now)
        wait_for("the next watts", lambda: browser.value(graph) != latest)
        expect(browser.screenshot(f"page-{scheme}-2.png") != first, "both screenshots are the same")
    watts = browser.value('document.getElementById("watts").textContent')
    expect(float(watts.removesuffix(" W")) > 0, f"the page says {watts}")
    expect("imulated" in browser.value('document.getElementById("status").textContent'), "a simulation is not called so")
    expect(not browser.complaints(), f"the browser complains: {browser.complaints()}")
    elsewhere = [url for url in browser.requested() if not url.startswith(service.url)]
    expect(not elsewhere, f"the page asks for {elsewhere}")
    # The service goes, and comes again.
    shown = 'document.getElementById("watts").textContent + document.getElementById("parts").textContent'
    service.child.end()
    wait_for("no watts without the service", lambda: browser.value(shown) == "– W")
    service.start()
    wait_for("watts with the service", lambda: "package 0" in browser.value(shown))
    browser.child.end()
    return f"{watts}; see {picture('page-dark-2.png')}"
