"""Checks: each is a function with a sentence that holds or does not, run in the order in which they are written."""

import os
import subprocess
import time
import traceback

# Whether what takes long is left out.
SHORT = os.path.exists("/mnt/short")

_checks = []
_failures = []
_skipped = []
_start = time.monotonic()


class Failure(Exception):
    """Why a check does not hold."""


class Impossible(Exception):
    """Why this machine cannot show it."""


def check(sentence, slow=False):
    """A check; a slow one is left out in short."""

    def add(function):
        if not (slow and SHORT):
            _checks.append((sentence, function))
        return function

    return add


def expect(condition, why):
    if not condition:
        raise Failure(why)


def wait_for(what, condition, seconds=30):
    """Waits until the condition gives something true, and gives that."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise Failure(f"waited {seconds} s in vain for {what}")
        time.sleep(0.1)
    return value


def run(*command, user=None, fails=False, timeout=120):
    """Runs a program and gives its stdout and stderr; as another user where one is named."""
    if user:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
    output = done.stdout + done.stderr
    expect(fails or done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {output}")
    return output


def run_all():
    """Runs every check, prints it with its result, and gives how many there were and how many failed."""
    for sentence, function in _checks:
        begin = time.monotonic()
        try:
            note = function()
            result = "ok  "
        except Impossible as reason:
            _skipped.append(sentence)
            result, note = "skip", str(reason)
        except Exception as error:
            _failures.append(sentence)
            result = "FAIL"
            note = str(error) if isinstance(error, (Failure, subprocess.TimeoutExpired)) else traceback.format_exc()
        text = f"{result} {sentence}" + (f": {note}" if note else "")
        if result == "FAIL":
            # What the system says of it.
            log = subprocess.run(
                ["journalctl", "-o", "cat", "-n", "20", "--no-pager"], capture_output=True, text=True, check=False)
            text += "\n" + log.stdout
        print(f"{begin - _start:6.1f} s  {text}  ({time.monotonic() - begin:.1f} s)", flush=True)
    for sentence in _skipped:
        print(f"Not shown here: {sentence}", flush=True)
    return len(_checks), len(_failures)
