#!/usr/bin/env python3
"""Writes schemas/vectors/*.json: python3 scripts/vectors/make.py [--check]

Hand-written expectations are first held to reference.py; sampled ones come from reference.py alone.
--check writes nothing and exits 1 when a file differs.
"""

import json
import random
import sys
from pathlib import Path

from decision_cases import A, B, BUILDS, C, CASES, FROZEN, RAMP
from reference import decide, nudge_key, nudge_mac, place

OUT = Path(__file__).resolve().parents[2] / "schemas" / "vectors"
FORMAT = "nexmdm-ota vectors v1"


def cohort():
    ids = [f"kiosk-{n}" for n in (1, 5, 7, 393, 2196, 2479, 2903, 1650)]
    ids += ["a", "0", "-", ".", "..", ":", "__proto__", "constructor", "toString", "hasOwnProperty", "null", "NaN", "-0", "1e3"]
    ids += ["x" * 64, "AA:BB:CC:DD:EE:FF", "35-209900-176148-1", "Kiosk-7", "kiosk-07", "kiosk_7", "b42:kiosk-7"]
    seeds = ["", "b42", "b42.17", "b42:x", "a seed with spaces", "~" * 100]
    rows = []
    for seed in seeds:
        for device_id in ids if seed in ("", "b42") else ids[:6]:
            h, bucket = place(device_id, seed)
            rows.append({"device_id": device_id, "cohort_seed": seed, "h": h, "bucket": bucket})
    by_hand = [(0, 0), (0.01, 1), (0.02, 2), (0.07, 7), (0.29, 29), (0.57, 57), (0.58, 58), (1, 100), (1.1, 110), (1.15, 115), (5, 500)]
    by_hand += [(8.29, 829), (10, 1000), (16.4, 1640), (25, 2500), (33.33, 3333), (50, 5000), (64.1, 6410), (99.99, 9999), (100, 10000)]
    exposed = []
    for device_id, seed in [("kiosk-5", ""), ("kiosk-393", ""), ("kiosk-2479", ""), ("kiosk-1650", ""), ("kiosk-7", "b42")]:
        bucket = place(device_id, seed)[1]
        for percent, threshold in by_hand:
            exposed.append({"device_id": device_id, "cohort_seed": seed, "percent": percent, "exposed": bucket < threshold})
    refused = ["", " ", "x" * 65, "kiosk 7", "kiosk/7", "kiosk\\7", "kiosk-7\n", "\nkiosk-7", "kiosk-7\r", "kiosk\t7", "kiosk-7\u0000", "kiosk-7\u200b", "k\u0456osk-7"]
    refused += ["kiösk-7", "kiosk-７", "💥", "kiosk%2d7", "kiosk+7", "../../etc/passwd", "kiosk-7;DROP", "<b>", "${x}", "kiosk-7,kiosk-8", "\u202e7-ksoik"]
    return {
        "kind": "cohort",
        "buckets": rows,
        "thresholds": [{"percent": p, "threshold": t} for p, t in by_hand],
        "exposed": exposed,
        "invalid_device_ids": refused,
    }


def named(case, builds):
    return {b["build_id"]: b for b in (builds[name] for name in case["builds"])}


def sampled(count, seed):
    """Cases that nobody would write by hand, all within the rules of SPEC section 2."""
    pick = random.Random(seed)
    for n in range(count):
        older = pick.random() < 0.15
        rollback = pick.random() < 0.3
        force = older or (rollback and pick.random() < 0.5)
        rollout = {"current": "b41" if older else "b42", "last_safe": "b42" if older else "b41", "cohort_seed": pick.choice(["", "b42.3"])}
        if pick.random() < 0.4:
            rollout["ramp"] = {"start": f"2026-05-{pick.randint(28, 31)}T{pick.randint(0, 23):02d}:00:00Z", "steps": RAMP}
        else:
            rollout["rollout_percent"] = pick.choice([0, 0.5, 5, 10, 33.33, 50, 90, 100])
        if pick.random() < 0.3:
            rollout["canary"] = {"tags": ["qa"]}
        if pick.random() < 0.15:
            rollout["suspend"] = FROZEN
        if pick.random() < 0.3:
            rollout["must_install"] = True
        rollout.update({k: True for k, on in (("rollback", rollback), ("force_downgrade", force)) if on})
        if force:
            rollout["reason"] = "sampled"
        safe = pick.choice(["b41"] * 3 + ["b41_withdrawn", "b41_sdk30", "b41_rotated_from_33"])
        top = pick.choice(["b42"] * 3 + ["b42_withdrawn", "b42_sdk33", "b42_rotated", "b42_rotated_from_33"])
        device = {"device_id": f"tablet-{pick.randint(1, 9999)}", "version_code": pick.choice([0, 39, 40, 41, 41, 42, 42, 43, 99])}
        if pick.random() < 0.3:
            device["tags"] = ["qa", "lobby"]
        if pick.random() < 0.5:
            device["sdk"] = pick.choice([26, 29, 30, 32, 33, 35])
        if pick.random() < 0.5:
            device["signer"] = pick.choice([A, A, B, C])
        case = {"name": f"sample {n + 1}", "rollout": rollout, "builds": ["b40", safe, top, "b43"], "device": device, "now": "2026-06-02T06:00:00Z" if n % 2 else "2026-05-31T18:30:00Z"}
        if pick.random() < 0.1:
            case["missing_artifacts"] = [pick.choice(["b41", "b42"])]
        yield {**case, "expect": decide(case, named(case, BUILDS))}


def decision():
    for case in CASES:
        found = decide(case, named(case, BUILDS))
        if found != case["expect"]:
            sys.exit(f"{case['name']}: by hand {case['expect']}, by formula {found}")
    if len({c["name"] for c in CASES}) != len(CASES):
        sys.exit("two cases have one name")
    return {"kind": "decision", "builds": BUILDS, "cases": CASES + list(sampled(150, 42))}


DEVICE, BUILD = "kiosk-7", "b42"
REQUEST = "0d9c8c0e-3a57-4a52-9d7f-2f6d4c1b7a10"
ISSUED = 1780315200  # 2026-06-01T12:00:00Z
MASTER = bytes(range(32))


def message(key, device_id=DEVICE, build_id=BUILD, request_id=REQUEST, issued_at=str(ISSUED), **over):
    mac = nudge_mac(key, device_id, build_id, request_id, issued_at)
    return {"type": "update", "build_id": build_id, "request_id": request_id, "issued_at": issued_at, "hmac": mac, **over}


def nudge():
    key = nudge_key(MASTER, DEVICE, 1)
    good = message(key)
    keys = [(MASTER, DEVICE, 1), (MASTER, DEVICE, 2), (MASTER, "kiosk-8", 1), (b"\xff" * 32, DEVICE, 1), (MASTER, "x" * 64, 10), (b"k" * 64, "AA:BB:CC:DD:EE:FF", 4294967295)]
    signed = [good, message(key, build_id="b43"), message(key, request_id="11111111-2222-4333-8444-555555555555"), message(key, issued_at=str(ISSUED + 1))]
    ok = {"verdict": "ok", "build_id": BUILD, "request_id": REQUEST, "issued_at": ISSUED}
    rows = []

    def row(name, sent, expect, after_s=5, seen=(), device_id=DEVICE, with_key=key):
        expect = expect if isinstance(expect, dict) else {"verdict": expect}
        rows.append({"name": name, "key": with_key.hex(), "device_id": device_id, "message": sent, "now_ms": round((ISSUED + after_s) * 1000), "seen": list(seen), "expect": expect})

    def without(field):
        return {k: v for k, v in good.items() if k != field}

    flipped = good["hmac"][:-1] + ("0" if good["hmac"][-1] != "0" else "1")
    row("valid", good, ok)
    row("valid, an unknown field is ignored", {**good, "priority": "high"}, ok)
    row("valid, another request was seen", good, ok, seen=["11111111-2222-4333-8444-555555555555"])
    row("exactly 10 minutes old", good, ok, after_s=600)
    row("stale: a millisecond over 10 minutes", good, "stale", after_s=600.001)
    row("stale: a year old", good, "stale", after_s=31536000)
    row("exactly 5 minutes ahead", good, ok, after_s=-300)
    row("future: a millisecond over 5 minutes ahead", good, "future", after_s=-300.001)
    row("future: the device's clock stands at 1970", good, "future", after_s=-ISSUED)
    row("replayed", good, "replayed", seen=[REQUEST])
    row("replayed and stale: stale", good, "stale", after_s=700, seen=[REQUEST])
    row("bad hmac: last digit differs", {**good, "hmac": flipped}, "bad_hmac")
    row("bad hmac: first digit differs", {**good, "hmac": ("0" if good["hmac"][0] != "0" else "1") + good["hmac"][1:]}, "bad_hmac")
    row("bad hmac: build exchanged", {**good, "build_id": "b43"}, "bad_hmac")
    row("bad hmac: request exchanged", {**good, "request_id": "11111111-2222-4333-8444-555555555555"}, "bad_hmac")
    row("bad hmac: issued_at moved", {**good, "issued_at": str(ISSUED + 1)}, "bad_hmac")
    row("bad hmac: issued_at with a leading zero", {**good, "issued_at": f"0{ISSUED}"}, "bad_hmac")
    row("bad hmac says nothing about age", {**good, "hmac": flipped}, "bad_hmac", after_s=9999)
    row("bad hmac is not remembered as a replay", {**good, "hmac": flipped}, "bad_hmac", seen=[REQUEST])
    row("bad hmac: all zeros", {**good, "hmac": "0" * 64}, "bad_hmac")
    row("for another device, same key", message(key, device_id="kiosk-8"), "bad_hmac")
    row("for another device, that device's key", message(nudge_key(MASTER, "kiosk-8", 1), device_id="kiosk-8"), "bad_hmac")
    row("signed with the next generation's key", message(nudge_key(MASTER, DEVICE, 2)), "bad_hmac")
    row("signed with the master key itself", message(MASTER), "bad_hmac")
    for field in ("type", "build_id", "request_id", "issued_at", "hmac"):
        row(f"malformed: no {field}", without(field), "malformed")
    odd = {
        "another type": {"type": "install"},
        "hmac in upper case": {"hmac": good["hmac"].upper()},
        "hmac a digit short": {"hmac": good["hmac"][:-1]},
        "hmac a digit long": {"hmac": good["hmac"] + "0"},
        "hmac with a line feed": {"hmac": good["hmac"] + "\n"},
        "hmac empty": {"hmac": ""},
        "issued_at a number": {"issued_at": ISSUED},
        "issued_at signed": {"issued_at": f"+{ISSUED}"},
        "issued_at negative": {"issued_at": f"-{ISSUED}"},
        "issued_at with an exponent": {"issued_at": "1e9"},
        "issued_at in milliseconds": {"issued_at": f"{ISSUED}000"},
        "issued_at with a fraction": {"issued_at": f"{ISSUED}.5"},
        "issued_at with a space": {"issued_at": f" {ISSUED}"},
        "issued_at as ISO 8601": {"issued_at": "2026-06-01T12:00:00Z"},
        "issued_at in Arabic-Indic digits": {"issued_at": "١٢٣٤٥٦٧٨٩٠"},
        "build_id with a slash": {"build_id": "../b42"},
        "build_id with a line feed": {"build_id": "b42\nb43"},
        "build_id too long": {"build_id": "b" * 65},
        "request_id too short": {"request_id": "1234567"},
        "request_id with a line feed": {"request_id": f"{REQUEST}\n"},
        "request_id too long": {"request_id": "a" * 65},
        "request_id null": {"request_id": None},
        "hmac a list": {"hmac": [good["hmac"]]},
    }
    for name, over in odd.items():
        row(f"malformed: {name}", {**good, **over}, "malformed")
    return {
        "kind": "nudge",
        "keys": [{"master": m.hex(), "device_id": d, "generation": g, "key": nudge_key(m, d, g).hex()} for m, d, g in keys],
        "signatures": [{"key": key.hex(), "device_id": DEVICE, "message": m} for m in signed],
        "verdicts": rows,
    }


def text(vectors):
    """One line a vector: readable diffs."""
    lines = [f'  "format": {json.dumps(FORMAT)}']
    for name, value in vectors.items():
        if isinstance(value, list):
            rows = ",\n".join("    " + json.dumps(v, ensure_ascii=True) for v in value)
            lines.append(f'  "{name}": [\n{rows}\n  ]')
        elif isinstance(value, dict):
            rows = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            lines.append(f'  "{name}": {{\n{rows}\n  }}')
        else:
            lines.append(f'  "{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    stale = []
    for make in (cohort, decision, nudge):
        path, wanted = OUT / f"{make.__name__}.json", text(make())
        if "--check" in sys.argv:
            if not path.exists() or path.read_text("utf-8") != wanted:
                stale.append(path.name)
        else:
            path.write_text(wanted, "utf-8")
    if stale:
        sys.exit(f"not as generated: {', '.join(stale)}")


main()
