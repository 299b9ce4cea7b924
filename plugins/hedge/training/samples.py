"""Samples for the flow networks: what the plugin's own `Direction` would have scored of many flows.

`python samples.py ROOT train|held COUNT SEED [--captures FOLDER]` writes ROOT/flow-samples/<split>-<seed>.npz: inputs
by size of the residual, with the class (0 plain, 1 compressed, 2 encrypted), the kind of flow and its group (the
product, capture or seed: splits are by group, never by sample).
"""

# ruff: noqa: S311 - seeds must repeat

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapes
from pywall_hedge import direction, flowmodel
from pywall_hedge.direction import Direction
from pywall_hedge.framing import Stripped

SIZES = (48, 96, 192, 384, 768, 1460, 3000, 6000, 12000)
"""Bytes of residual that there is a network for."""
PER_FLOW = 6
KINDS = {"cipher": 0.45, "records": 0.13, "packed": 0.09, "pieces": 0.19, "plain": 0.06, "media": 0.08}
"""Kind of flow -> share of the flows that are made."""
direction.GROWN = 1.5  # fewer looks at a flow: they resemble each other
SECRET = frozenset(
    (
        *(
            "tls",
            "ssh",
            "quic",
            "openvpn",
            "wireguard",
            "ike",
            "dtls",
            "esp",
            "unknown",
            "none",
            "krb5",
            "smtp",
            "imap",
        ),
        *(
            "pop3",
            "xmpp",
            "ldap",
            "dcerpc",
            "smb",
            "rdp",
            "tds",
            "mysql",
            "pgsql",
            "ftp",
            "ftp-data",
            "http",
            "http2",
            "collectd",
        ),
        *("stun", "bittorrent", "socks", "teredo", "geneve", "vxlan", "gtp", "dnscrypt", "srtp", "zoom"),
    )
)
"""Labels of captured flows that carry ciphertext, or may."""
MEDIA = ("opus", "aac", "mp3", "h264", "h265", "vp9", "av1", "flac", "vorbis")


def scored(payloads: list[bytes], rng: random.Random) -> list[Stripped]:
    """What the statistics are asked of one direction, at random moments; now and then a piece is set aside before."""
    seen: list[Stripped] = []

    def score(stripped: Stripped) -> float:
        seen.append(stripped)
        return -9.0 if rng.random() < 0.06 else 0.0

    way = Direction(score)
    for payload in payloads:
        way.update(payload)
    return rng.sample(seen, min(PER_FLOW, len(seen)))


def frames(form: str, data: bytes, rng: random.Random) -> Iterator[bytes]:
    """Frames of sound or video, as a program sends them in messages of its own."""
    if form in ("opus", "vorbis"):
        place = 0
        while data[place : place + 4] == b"OggS" and place + 27 < len(data):
            count = data[place + 26]
            table = data[place + 27 : place + 27 + count]
            at, size = place + 27 + count, 0
            for lace in table:
                size += lace
                if lace < 255:
                    yield data[at : at + size]
                    at, size = at + size, 0
            place = at + size
    elif form in ("aac", "mp3"):
        from pywall_hedge.containers import adts_frame, mp3_frame

        place, keep_head = 0, rng.random() < 0.3
        while place + 8 < len(data):
            size = adts_frame(data, place) or mp3_frame(data, place)
            if not size:
                place += 1
                continue
            yield data[place + (0 if keep_head else 7 if form == "aac" else 4) : place + size]
            place += size
    elif form in ("h264", "h265"):
        for unit in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1"):
            yield from (unit[at : at + 1180] for at in range(0, len(unit), 1180))
    else:
        yield from shapes.pieces(data, rng)


def flow(
    kind: str, pool: Path, names: dict[str, list[Path]], text: bytes, rng: random.Random
) -> tuple[int, str, str, list[bytes]]:
    """One flow: class, name of what it carries, group, payloads of one direction."""
    limit = int(np.exp(rng.uniform(np.log(150), np.log(40000))))
    if kind == "cipher":
        return 2, "cipher", str(rng.random()), shapes.framed(shapes.cipher(rng), rng, limit, secret=True)
    if kind == "records":
        inner = shapes.records(rng, text) if rng.random() < 0.9 else shapes.documents(rng, text)
        return 0, "records", str(rng.random()), shapes.framed(inner, rng, limit)
    if kind == "packed":
        return 1, "packed", str(rng.random()), shapes.framed(shapes.packed_records(rng, text), rng, limit)
    form = rng.choice(
        [
            name
            for name in names
            if (name in MEDIA if kind == "media" else name.startswith("plain/") == (kind == "plain"))
        ]
    )
    path = rng.choice(names[form])
    data = path.read_bytes()
    if kind == "media":
        made = list(frames(form, data, rng))
        start = rng.randrange(max(len(made) - 20, 1))
        return 1, f"media/{form}", path.name, shapes.framed(iter(made[start:]), rng, limit)
    start = rng.randrange(max(len(data) - limit, 1))
    part = data[start:]
    if rng.random() < 0.5:
        return int(kind == "pieces"), form, path.name, shapes.framed(shapes.pieces(part, rng), rng, limit)
    return int(kind == "pieces"), form, path.name, [part[at : at + 1448] for at in range(0, limit, 1448)]


def captured(folder: Path) -> Iterator[tuple[str, str, list[bytes]]]:
    """Directions of labelled flows that carry no ciphertext: label, capture, payloads."""
    import dpkt

    for capture in json.loads((folder / "manifest.json").read_text())["captures"]:
        labels = {}
        for item in capture.get("flows", []):
            ends = frozenset(((item["client_ip"], item["client_port"]), (item["server_ip"], item["server_port"])))
            labels[ends] = item.get("label") or "unknown"
        found: dict[tuple[object, ...], list[bytes]] = defaultdict(list)
        try:
            with (folder / capture["file"]).open("rb") as file:
                for _, frame in dpkt.pcap.UniversalReader(file):
                    ip = dpkt.ethernet.Ethernet(frame).data
                    if not isinstance(ip, dpkt.ip.IP | dpkt.ip6.IP6) or not isinstance(
                        ip.data, dpkt.tcp.TCP | dpkt.udp.UDP
                    ):
                        continue
                    if body := bytes(ip.data.data):
                        found[ip.src, ip.data.sport, ip.dst, ip.data.dport].append(body)
        except (ValueError, dpkt.UnpackError, AttributeError, KeyError):
            continue
        import ipaddress

        for (src, sport, dst, dport), bodies in found.items():
            ends = frozenset(((str(ipaddress.ip_address(src)), sport), (str(ipaddress.ip_address(dst)), dport)))
            label = labels.get(ends, "unknown")
            if label.split(":")[-1] not in SECRET and not label.startswith("other") and "|" not in label:
                yield label, capture["file"], bodies[:400]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("split", choices=("train", "held"))
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--captures", type=Path)
    options = parser.parse_args()
    rng = random.Random(f"{options.split}/{options.seed}")
    pool = options.root / "pool" / options.split
    names = {p.name: sorted(p.iterdir()) for p in (pool / "compressed").iterdir() if any(p.iterdir())}
    names |= {f"plain/{p.name}": sorted(p.iterdir()) for p in (pool / "plain").iterdir()}
    text = b"".join(p.read_bytes()[:100_000] for p in names["plain/text"][:20])
    rows: dict[int, list[tuple[np.ndarray, int, str, str]]] = defaultdict(list)

    def add(label: int, name: str, group: str, payloads: list[bytes]) -> None:
        for stripped in scored(payloads, rng):
            left = len(stripped.residual)
            if left < 32:
                continue
            for size in SIZES:
                if size / 1.9 <= left <= size * 1.9 or (size == SIZES[-1] and left > size):
                    made = flowmodel.inputs(stripped, size).astype(np.float16)
                    rows[size].append((made, label, name, group))

    for number in range(options.count):
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        add(*flow(kind, pool, names, text, rng))
        if number % 500 == 0:
            print(number, {size: len(found) for size, found in rows.items()}, flush=True)
    if options.captures:
        for label, capture, bodies in captured(options.captures):
            held = hash_of(capture) % 3 == 0
            if held == (options.split == "held"):
                add(0, f"capture/{label}", capture, bodies)
    out = options.root / "flow-samples"
    out.mkdir(exist_ok=True)
    saved = {}
    for size, found in rows.items():
        saved[f"x_{size}"] = np.stack([row for row, *_ in found])
        saved[f"y_{size}"] = np.array([label for _, label, *_ in found])
        saved[f"n_{size}"] = np.array([name for *_, name, _ in found])
        saved[f"g_{size}"] = np.array([group for *_, group in found])
    np.savez(out / f"{options.split}-{options.seed}.npz", **saved)
    print({size: len(found) for size, found in rows.items()})


def hash_of(name: str) -> int:
    """A number of a name that does not change from run to run."""
    import zlib

    return zlib.crc32(name.encode())


if __name__ == "__main__":
    main()
