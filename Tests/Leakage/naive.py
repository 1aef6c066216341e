"""A naive server: whoever sends a byte gets the register as it is at that moment.

    naive.py MSR-NODE SOCKET
"""

import os
import socket
import sys

REGISTER = 0x611


def main():
    node, path = sys.argv[1:]
    descriptor = os.open(node, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        os.chmod(path, 0o666)
        server.listen()
        print("ready", flush=True)
        connection, _ = server.accept()
        while connection.recv(1):
            connection.sendall(os.pread(descriptor, 8, REGISTER))


main()
