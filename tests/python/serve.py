"""Serves ministack on a free loopback port for as long as somebody holds the other end of standard input.

One of its defects is mended here, or no booking with several pending events could be settled on it.

Prints the port once it is bound. The functions that ministack runs are in its process group and end with it, also when
the test that started it was killed.
"""

import asyncio
import os
import signal
import socket
import threading

os.setpgid(0, 0)
listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
port = listener.getsockname()[1]
# Read when ministack is imported; functions inherit the last one.
os.environ["GATEWAY_PORT"] = str(port)
os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402
from ministack.app import app  # noqa: E402
from ministack.services import dynamodb  # noqa: E402


def remove(item, tokens, names, updated):
    """Removes by the positions before the update, as DynamoDB does; ministack 1.5.33 lets each removal move the rest."""
    paths = filter(None, (dynamodb._parse_path_from_tokens(part, names) for part in dynamodb._split_by_comma(tokens)))
    for path in sorted(paths, key=lambda path: path[-1] if isinstance(path[-1], int) else -1, reverse=True):
        updated.add(tuple(path))
        dynamodb._remove_at_path(item, path)


assert dynamodb._apply_remove.__code__.co_argcount == 4
dynamodb._apply_remove = remove

def end_with_the_test():
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=end_with_the_test, daemon=True).start()
config = Config()
config.bind = [f"fd://{listener.fileno()}"]
config.keep_alive_timeout = 75
print(port, flush=True)
os.dup2(2, 1)  # nobody reads standard output any further
asyncio.run(serve(app, config))
