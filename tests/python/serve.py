"""Serves ministack on a free loopback port for as long as somebody holds the other end of standard input.

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
