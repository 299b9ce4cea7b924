"""The reference: a NetfilterQueue callback that accepts every packet."""

from __future__ import annotations

from netfilterqueue import NetfilterQueue

queue = NetfilterQueue()
queue.bind(1, lambda packet: packet.accept(), max_len=4096, range=3584, sock_len=4 << 20)
print("ready", flush=True)
queue.run()
