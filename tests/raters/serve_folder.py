"""Serves a folder through FUSE and runs a command, in a user and mount namespace of its own.

    unshare -rm python3 serve_folder.py FOLDER AT COMMAND ..

Only what it takes to look at a folder and read its files: enough for a program that asks on which
file system it stands. Exits as the command does; says `skipped:` where nothing can be mounted.
"""
import ctypes
import errno
import os
import stat
import struct
import subprocess
import sys
import threading

LOOKUP, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH = 1, 3, 14, 15, 17, 18, 25
FORGET, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = 2, 26, 27, 28, 29, 36, 42

folder, at, command = sys.argv[1], sys.argv[2], sys.argv[3:]
paths = {1: folder}


def attributes(node):
    s = os.stat(paths[node])
    times = [int(s.st_atime), int(s.st_mtime), int(s.st_ctime)]
    return struct.pack(
        "<QQQQQQIIIIIIIIII", node, s.st_size, s.st_blocks, *times, 0, 0, 0, s.st_mode, s.st_nlink,
        os.getuid(), os.getgid(), 0, 4096, 0)


def node_of(path):
    for node, known in paths.items():
        if known == path:
            return node
    paths[len(paths) + 1] = path
    return len(paths)


def entries(node):
    out = b""
    for i, name in enumerate(sorted(os.listdir(paths[node])), 1):
        kind = stat.S_IFMT(os.stat(os.path.join(paths[node], name)).st_mode) >> 12
        raw = name.encode()
        part = struct.pack("<QQII", node_of(os.path.join(paths[node], name)), i, len(raw), kind) + raw
        out += part + b"\0" * (-len(part) % 8)
    return out


def answer(what, node, body):
    if what == INIT:
        major, minor, ahead, _ = struct.unpack("<IIII", body[:16])
        return struct.pack("<IIIIHHIIHHI28x", 7, min(minor, 31), ahead, 0, 8, 6, 65536, 1, 0, 0, 0)
    if what == LOOKUP:
        path = os.path.join(paths[node], body.rstrip(b"\0").decode())
        os.stat(path)
        child = node_of(path)
        return struct.pack("<QQQQII", child, 0, 1, 1, 0, 0) + attributes(child)
    if what == GETATTR:
        return struct.pack("<QII", 1, 0, 0) + attributes(node)
    if what in (OPEN, OPENDIR):
        return struct.pack("<QII", 0, 0, 0)
    if what in (READ, READDIR):
        _, offset, size = struct.unpack("<QQI", body[:20])
        if what == READDIR:
            return entries(node) if offset == 0 else b""
        with open(paths[node], "rb") as f:
            f.seek(offset)
            return f.read(size)
    if what == STATFS:
        return struct.pack("<QQQQQIIII24x", 1 << 20, 1 << 19, 1 << 19, 1 << 20, 1 << 19, 4096, 255, 4096, 0)
    if what in (RELEASE, RELEASEDIR, FLUSH):
        return b""
    raise OSError(errno.ENOSYS, "not served")


def serve(fd):
    while True:
        try:
            asked = os.read(fd, 1 << 20)
        except OSError as e:
            if e.errno in (errno.EINTR, errno.ENOENT):
                continue
            return
        _, what, number, node = struct.unpack("<IIQQ", asked[:24])
        if what in (FORGET, BATCH_FORGET, INTERRUPT):
            continue
        code, out = 0, b""
        try:
            out = answer(what, node, asked[40:])
        except OSError as e:
            code = -e.errno
        os.write(fd, struct.pack("<IiQ", 16 + len(out), code, number) + out)


fd = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fd},rootmode=40000,user_id=0,group_id=0"
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"served", at.encode(), b"fuse.served", 0, options.encode()) != 0:
    print("skipped: FUSE cannot be mounted here:", os.strerror(ctypes.get_errno()))
    sys.exit(0)
threading.Thread(target=serve, args=(fd,), daemon=True).start()
code = subprocess.run(command).returncode
# a detached mount goes with the namespace
os._exit(code)
