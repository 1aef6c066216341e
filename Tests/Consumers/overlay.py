"""A screen in memory, and what can be read on it."""

import os
import shutil
import struct
import subprocess
import zlib

from harness import expect
from processes import Child, Impossible

PICTURES = os.environ.get("PICTURES")
# MangoHud's colour of the CPU.
BLUE = bytes((0x2E, 0x97, 0xCB))


class Screen:
    """A virtual X server that keeps its picture in a file, and settings that make MangoHud draw nothing but the CPU's line."""

    width, height = 900, 300
    environment = {
        # Only the CPU's driver, as on a machine without a GPU.
        "VK_ICD_FILENAMES": "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
        "VK_DRIVER_FILES": "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json:/usr/share/vulkan/icd.d/lvp_icd.json",
        "MANGOHUD_CONFIG": "legacy_layout=0,cpu_stats,cpu_power,font_size=64,background_alpha=1,width=900,fps_limit=4,"
        "position=top-left",
    }

    def __init__(self, place):
        self.folder = place.file("screen")
        os.mkdir(self.folder)
        if place.who != "root":
            shutil.chown(self.folder, "nobody", "nogroup")
        user = [] if place.who == "root" else ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
        told, tell = os.pipe()
        self.child = Child(
            place.name + "-screen", *user, "Xvfb", "-displayfd", str(tell), "-ac", "-screen", "0",
            f"{self.width}x{self.height}x24", "-fbdir", self.folder, pass_fds=(tell,))
        os.close(tell)
        with open(told, encoding="ascii") as number:
            line = number.readline().strip()
        expect(line, f"Xvfb has ended: {self.child.output()[-500:]}")
        self.display = f":{line}"

    def end(self):
        self.child.end()

    def picture(self):
        """The screen as a portable pixmap's width, height and colours; X's own format of a window dump is in the file."""
        with open(os.path.join(self.folder, "Xvfb_screen0"), "rb") as file:
            data = file.read()
        header = struct.unpack(">25I", data[:100])
        width, height, line, colours = header[4], header[5], header[12], header[19]
        start = header[0] + colours * 12
        rows = []
        for row in range(height):
            pixels = data[start + row * line:start + row * line + 4 * width]
            # Blue, green, red, and nothing.
            rows.append(b"".join(bytes(pixels[at + 2 - colour] for colour in range(3)) for at in range(0, len(pixels), 4)))
        return width, height, rows

    def png(self):
        def chunk(name, content):
            return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

        width, height, rows = self.picture()
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        content = zlib.compress(b"".join(b"\0" + row for row in rows))
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")

    def watts(self):
        """The number that MangoHud shows behind its blue word CPU and the percentage; None if there is none."""
        width, _, rows = self.picture()
        blue = [index for index, row in enumerate(rows) if BLUE in row]
        if not blue:
            return None
        # Its letters are white on black.
        ink = [[min(row[at:at + 3]) > 150 for at in range(0, 3 * width, 3)] for row in rows[blue[0]:blue[-1] + 1]]
        letters = []
        for column in range(width):
            marked = [line for line, row in enumerate(ink) if row[column]]
            if marked and letters and letters[-1][1] == column - 1:
                left, _, top, bottom = letters[-1]
                letters[-1] = (left, column, min(top, marked[0]), max(bottom, marked[-1]))
            elif marked:
                letters.append((column, column, marked[0], marked[-1]))
        words = []
        for letter in letters:
            if words and letter[0] - words[-1][-1][1] < len(ink):
                words[-1].append(letter)
            else:
                words.append([letter])
        # The percentage, and the watts, whose unit is small.
        if len(words) != 2:
            return None
        digits = [letter for letter in words[1] if letter[3] - letter[2] > len(ink) * 0.7]
        points = [letter for letter in words[1] if letter[2] > len(ink) * 0.7]
        if not digits:
            return None
        # Tesseract reads them best at half this size.
        number = self.number([row[digits[0][0]:digits[-1][1] + 1:2] for row in ink[::2]])
        decimals = sum(letter[0] > points[0][0] for letter in digits) if points else 0
        return None if number is None else number / 10 ** decimals

    @staticmethod
    def number(ink):
        """The number in a picture of digits; a point among them is not read."""
        margin = 40
        width = len(ink[0]) + 2 * margin
        blank = [b"\xff" * width] * margin
        lines = [b"\xff" * margin + bytes(0 if dot else 255 for dot in row) + b"\xff" * margin for row in ink]
        picture = f"P5 {width} {len(lines) + 2 * margin} 255\n".encode() + b"".join(blank + lines + blank)
        try:
            done = subprocess.run(
                ["tesseract", "-", "-", "--dpi", "100", "--psm", "6", "-c", "tessedit_char_whitelist=0123456789"],
                input=picture, capture_output=True, timeout=60, check=False, env={**os.environ, "OMP_THREAD_LIMIT": "1"})
        except FileNotFoundError:
            raise Impossible("tesseract is not installed: scripts/setup --consumers") from None
        text = done.stdout.decode(errors="replace").strip()
        return float(text) if text.isdigit() else None

    def keep(self, name):
        if PICTURES:
            with open(os.path.join(PICTURES, name + ".png"), "wb") as file:
                file.write(self.png())
