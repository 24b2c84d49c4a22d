"""Watching a Python process from inside: what it connects to, what it starts, what it writes."""

WATCH = """\
import os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.posix_spawn", "os.exec"):
        note(f"ask {event}")
    elif event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
        note(f"write {arguments[0]}")
    elif event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove"):
        note(f"write {arguments[0]}")

def note(text):
    os.write(notes, f"{text}\\n".encode())

notes = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
sys.addaudithook(watch)
"""
"""What Python runs first: it notes connections, other programs, and what is written."""
