"""The references: programs that do what cannot be avoided, and nothing else. Each is a process of its own.

    python -m benchmarks.bare resize FILE BOX     libvips in a loop; reads a number of seconds a line, prints a rate
    python -m benchmarks.bare serve WORK FOLDER   a bare HTTP server; prints its port, serves until its input ends

WORK is how far a request is taken: `answer` it; `hash` its body first; hash and `store` it, flushed like any object.
"""

import hashlib
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyvips

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 512\r\n\r\n" + b" " * 512
_SLOTS = 64  # Files replace each other, so that a long run does not fill the disk.


def resize(jpeg: bytes, box: str) -> bytes:
    """One JPEG to another, the shortest way that libvips knows; quality and coding are the service's.

    Args:
        jpeg: the source.
        box: `720x` is a width, `100x100` a box to be filled.
    """
    width, _, height = box.partition("x")
    if height:
        image = pyvips.Image.thumbnail_buffer(jpeg, int(width), height=int(height), crop="centre", fail_on="truncated")
    else:
        image = pyvips.Image.thumbnail_buffer(jpeg, int(width), height=10_000_000, size="down", fail_on="truncated")
    return bytes(image.jpegsave_buffer(Q=80, optimize_coding=True, keep="none"))


def run_resize(path: str, box: str) -> None:
    """Answer each line with a rate: images per second in that many seconds."""
    pyvips.cache_set_max(0)
    jpeg = Path(path).read_bytes()
    resize(jpeg, box)
    for line in sys.stdin:
        began, images = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < float(line):
            resize(jpeg, box)
            images += 1
        print(images / passed, flush=True)


def run_serve(work: str, folder: str) -> None:
    """Serve until the input ends."""
    works: dict[str, Callable[[bytearray], object]] = {
        "answer": lambda _: None,
        "hash": lambda body: hashlib.sha256(body).hexdigest(),
        "store": lambda body: _store(Path(folder), body),
    }
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=_accept, args=(listener, works[work]), daemon=True).start()
    sys.stdin.read()


def _accept(listener: socket.socket, work: Callable[[bytearray], object]) -> None:
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(client, work), daemon=True).start()


def _serve(client: socket.socket, work: Callable[[bytearray], object]) -> None:
    with client:
        while received := client.recv(65_536):
            while b"\r\n\r\n" not in received:
                received += client.recv(65_536)
            head, _, start = received.partition(b"\r\n\r\n")
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0] or 0)
            body = bytearray(length)
            body[: len(start)] = start
            at = len(start)
            while at < length:
                at += client.recv_into(memoryview(body)[at:])
            work(body)
            client.sendall(_ANSWER)


def _store(folder: Path, body: bytearray) -> None:
    hashlib.sha256(body).hexdigest()
    draft, slot = folder / secrets.token_hex(8), folder / str(secrets.randbelow(_SLOTS))
    with draft.open("wb", buffering=0) as file:
        file.write(body)
        os.fsync(file.fileno())
    draft.rename(slot)
    place = os.open(folder, os.O_RDONLY)
    os.fsync(place)
    os.close(place)


if __name__ == "__main__":
    {"resize": run_resize, "serve": run_serve}[sys.argv[1]](*sys.argv[2:])
