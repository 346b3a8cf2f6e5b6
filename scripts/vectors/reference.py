"""The contract's formulas written a second time, in another language and another shape.

Nothing here is shared with the controller: the vectors bind both, so each guards the other.
"""

import hashlib
import hmac
import re
from datetime import datetime

DEVICE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
HOURS = {"s": 1 / 3600, "m": 1 / 60, "h": 1, "d": 24}


def place(device_id, seed):
    """(h, bucket): the first four bytes of the hash, big-endian, and the place 0..9999 made of its last four digits, swapped in pairs."""
    if not DEVICE_ID.fullmatch(device_id):
        raise ValueError("no device id")
    text = device_id if seed == "" else f"{seed}:{device_id}"
    h = int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:4], "big")
    digits = f"{h:010d}"
    return h, int(digits[-2:] + digits[-4:-2])


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def span(text):
    return float(text[:-1]) * HOURS[text[-1]] * 3600


def percent_at(case, now):
    rollout = case["rollout"]
    ramp = rollout.get("ramp")
    if ramp is None:
        return rollout["rollout_percent"]
    start = seconds(ramp.get("start") or case["introduced_at"])
    gone = now - start
    freeze = rollout.get("suspend")
    if freeze is not None:
        gone -= max(0, min(seconds(freeze["until"]), now) - max(seconds(freeze["since"]), start))
    if gone < 0:
        return 0
    for step in ramp["steps"]:
        if "hold" not in step or gone < span(step["hold"]):
            return step["percent"]
        gone -= span(step["hold"])
    return ramp["steps"][-1]["percent"]


def signer_at(build, sdk):
    best = build["signer_fingerprint"]
    for entry in sorted(build.get("signers", []), key=lambda s: s["min_sdk"]):
        if sdk is not None and entry["min_sdk"] <= sdk:
            best = entry["fingerprint"]
    return best


def ruled_out(build, sdk):
    if "withdrawn" in build:
        return "withdrawn"
    return "incompatible_sdk" if sdk is not None and build["min_sdk"] > sdk else None


def is_canary(case, device):
    canary = case["rollout"].get("canary", {})
    lists = [canary] + [c for c in case.get("cohorts", []) if c["name"] in canary.get("cohorts", [])]
    named = any(device["device_id"] in c.get("devices", []) for c in lists)
    return named or any(tag in c.get("tags", []) for c in lists for tag in device.get("tags", []))


def decide(case, builds):
    """The decision for one case: a dict as it stands under `expect`. `builds`: by build_id."""
    rollout, device, now = case["rollout"], case["device"], seconds(case["now"])
    sdk, installed = device.get("sdk"), device["version_code"]
    current, safe = builds[rollout["current"]], builds.get(rollout.get("last_safe"))
    freeze, back = rollout.get("suspend"), rollout.get("rollback", False)
    if freeze and seconds(freeze["since"]) <= now < seconds(freeze["until"]):
        return {"decision": "hold", "reason": "suspended", "download": None}

    percent = percent_at(case, now)
    canary = is_canary(case, device)
    bucket = place(device["device_id"], rollout.get("cohort_seed", ""))[1]
    exposed = canary or bucket < round(percent * 100)
    target, by, why = None, None, None
    if back:
        why = ruled_out(safe, sdk)
        target, by = (safe, "rollback") if why is None else (None, None)
    else:
        why = ruled_out(current, sdk) if exposed else "outside_cohort"
        if why is None:
            target, by = current, "canary" if canary else "rollout"
        elif safe is not None and ruled_out(safe, sdk) is None:
            target, by = safe, "baseline"
    if target is None:
        return {"decision": "hold", "reason": why, "download": None}

    def hold(reason):
        return {"decision": "hold", "reason": reason, "download": target["build_id"]}

    want = target["version_code"]
    if installed == want or (installed == current["version_code"] and not back):
        waiting = not back and not exposed and safe and installed == safe["version_code"] < current["version_code"]
        return hold("outside_cohort" if waiting else "up_to_date")
    signer = device.get("signer")
    older = want < installed
    if older:
        under = [b for b in builds.values() if b["version_code"] == installed]
        same = under and signer_at(under[0], sdk) == signer_at(target, sdk) and signer in (None, signer_at(target, sdk))
        if not (rollout.get("force_downgrade", False) and same):
            return hold("ahead")
    elif signer is not None:
        mine = {signer_at(target, sdk)} if sdk is not None else {target["signer_fingerprint"]} | {s["fingerprint"] for s in target.get("signers", [])}
        if signer not in mine | set(target.get("signer_lineage", [])):
            return hold("signer_mismatch")
    if target["build_id"] in case.get("missing_artifacts", []):
        return hold("artifact_missing")
    return {
        "decision": "offer",
        "build_id": target["build_id"],
        "eligible_by": by,
        "force_downgrade": older,
        "staged_rollout_percent": percent if by == "rollout" else 100,
        "signer_fingerprint": signer_at(target, sdk),
        "must_install": rollout.get("must_install", False) and (older or by in ("canary", "rollout")),
        "download": target["build_id"],
    }


def hkdf(master, salt, info):
    """RFC 5869 with SHA-256 and one block of output."""
    prk = hmac.new(salt, master, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()


def nudge_key(master, device_id, generation):
    return hkdf(master, device_id.encode(), f"nexmdm-ota nudge v1 {generation}".encode())


def nudge_mac(key, device_id, build_id, request_id, issued_at):
    text = "\n".join(["update", device_id, build_id, request_id, issued_at])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
