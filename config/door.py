"""The listening socket: the launcher keeps it, so callers only wait while gunicorn restarts."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from config.instance import NotReady


@contextmanager
def open_port(port: int) -> Iterator[socket.socket]:
    """A socket that listens on 127.0.0.1:`port`; 0 takes a free one."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
            door.listen(512)
        except OverflowError as error:
            raise NotReady(f"PORT {port} is not a port number.") from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise NotReady(f"port {port} on 127.0.0.1 is in use: set PORT to another.") from error
            raise NotReady(f"port {port} cannot be opened: {os.strerror(error.errno or 0)}.") from error
        yield door
