"""Decision cases: SPEC §4, each expectation written by hand. make.py holds them to reference.py before it writes them."""

A, B, C = "a1" * 32, "b2" * 32, "c3" * 32
NOW = "2026-06-01T12:00:00Z"

# Devices by where the plain hash puts them.
IN_1 = "kiosk-2903"  # bucket 99: inside 1 %, the last one
IN_10 = "kiosk-5"  # 979: inside 10 %, outside 5 %
EDGE_10 = "kiosk-393"  # 1000: the first one outside 10 %
IN_50 = "kiosk-2196"  # 4999: the last one inside 50 %
LATE = "kiosk-7"  # 9545: outside all but 100 %
TINY = "kiosk-2479"  # 1: inside 0.02 %, outside 0.01 %
LAST = "kiosk-1650"  # 9999: outside 99.99 %


def build(code, **over):
    return {
        "build_id": f"b{code}",
        "version_code": code,
        "min_sdk": 26,
        "signer_fingerprint": A,
        **over,
    }


GONE = {"reason": "crash loop", "at": "2026-05-31T09:00:00Z"}
BUILDS = {
    "b40": build(40),
    "b41": build(41),
    "b42": build(42),
    "b43": build(43),
    "b41_withdrawn": build(41, withdrawn=GONE),
    "b42_withdrawn": build(42, withdrawn=GONE),
    "b41_sdk30": build(41, min_sdk=30),
    "b42_sdk33": build(42, min_sdk=33),
    "b41_other_key": build(41, signer_fingerprint=C),
    "b42_other_key": build(42, signer_fingerprint=C),
    "b42_rotated": build(42, signer_fingerprint=B, signer_lineage=[A]),
    "b42_rotated_from_33": build(42, signers=[{"min_sdk": 33, "fingerprint": B}], signer_lineage=[A]),
    "b41_rotated_from_33": build(41, signers=[{"min_sdk": 33, "fingerprint": B}], signer_lineage=[A]),
}


def rollout(percent=10, **over):
    made = {"current": "b42", "last_safe": "b41", "rollout_percent": percent, **over}
    if "ramp" in made:
        del made["rollout_percent"]
    return made


RAMP = [{"percent": 1, "hold": "4h"}, {"percent": 10, "hold": "24h"}, {"percent": 50, "hold": "24h"}, {"percent": 100}]
FROZEN = {"reason": "incident", "since": "2026-06-01T00:00:00Z", "until": "2026-06-02T00:00:00Z"}
BACK = {"rollback": True}
FORCED = {"rollback": True, "force_downgrade": True, "reason": "crash loop"}
# The roll-forward is b42; b41 is promoted again although it is older.
OLDER = {"current": "b41", "last_safe": "b42", "force_downgrade": True, "reason": "crash loop"}


def ramp(start="2026-06-01T11:00:00Z", **over):
    return rollout(ramp={"start": start, "steps": RAMP}, **over)


def offer(build_id, by, percent=100, force=False, must=False, signer=A):
    return {
        "decision": "offer",
        "build_id": build_id,
        "eligible_by": by,
        "force_downgrade": force,
        "staged_rollout_percent": percent,
        "signer_fingerprint": signer,
        "must_install": must,
        "download": build_id,
    }


def hold(reason, download=None):
    return {"decision": "hold", "reason": reason, "download": download}


def on(device_id, code, **more):
    return {"device_id": device_id, "version_code": code, **more}


PAIR = ["b41", "b42"]
TRIO = ["b40", "b41", "b42"]
CASES = []


def case(name, rollout, builds, device, expect, now=NOW, **more):
    CASES.append({"name": name, "rollout": rollout, "builds": builds, "device": device, "now": now, **more, "expect": expect})


# A fresh device: no agent yet, version_code 0.
case("fresh device, exposed", rollout(10), PAIR, on(IN_10, 0), offer("b42", "rollout", 10))
case("fresh device, unexposed", rollout(10), PAIR, on(EDGE_10, 0), offer("b41", "baseline"))
case("fresh device before the ramp's start", ramp("2026-06-01T13:00:00Z"), PAIR, on(IN_1, 0), offer("b41", "baseline"))
case("fresh device at a plain 100 without last_safe", {"current": "b42", "rollout_percent": 100}, PAIR, on(LAST, 0), offer("b42", "rollout", 100))

# Percent and bucket.
case("exposed device on last_safe", rollout(10), PAIR, on(IN_10, 41), offer("b42", "rollout", 10))
case("the first bucket beyond the threshold waits", rollout(10), PAIR, on(EDGE_10, 41), hold("outside_cohort", "b41"))
case("the last bucket below the threshold is exposed", rollout(1), PAIR, on(IN_1, 41), offer("b42", "rollout", 1))
case("the last bucket below 50 %", rollout(50), PAIR, on(IN_50, 41), offer("b42", "rollout", 50))
case("0 % exposes nobody", rollout(0), PAIR, on(TINY, 41), hold("outside_cohort", "b41"))
case("0.01 % exposes bucket 0 alone", rollout(0.01), PAIR, on(TINY, 41), hold("outside_cohort", "b41"))
case("0.02 % exposes buckets 0 and 1", rollout(0.02), PAIR, on(TINY, 41), offer("b42", "rollout", 0.02))
case("99.99 % leaves bucket 9999 out", rollout(99.99), PAIR, on(LAST, 41), hold("outside_cohort", "b41"))
case("100 % exposes bucket 9999", rollout(100), PAIR, on(LAST, 41), offer("b42", "rollout", 100))
case("a cohort_seed moves the device: inside", rollout(10, cohort_seed="b42"), PAIR, on("kiosk-74", 41), offer("b42", "rollout", 10))
case("a cohort_seed moves the device: outside", rollout(5, cohort_seed="b42"), PAIR, on(IN_10, 41), hold("outside_cohort", "b41"))
case("an unexposed device older than last_safe gets the baseline", rollout(10), TRIO, on(LATE, 40), offer("b41", "baseline"))
case("an exposed device skips last_safe", rollout(10), TRIO, on(IN_10, 40), offer("b42", "rollout", 10))

# Canaries.
case("canary by device at 0 %", rollout(0, canary={"devices": [LATE]}), PAIR, on(LATE, 41), offer("b42", "canary"))
case("canary by tag at 0 %", rollout(0, canary={"tags": ["qa"]}), PAIR, on(LATE, 41, tags=["lobby", "qa"]), offer("b42", "canary"))
case("canary by a cohort's device", rollout(0, canary={"cohorts": ["lab"]}), PAIR, on(LATE, 41), offer("b42", "canary"), cohorts=[{"name": "lab", "devices": [LATE]}])
case("canary by a cohort's tag", rollout(0, canary={"cohorts": ["lab"]}), PAIR, on(LATE, 41, tags=["bench"]), offer("b42", "canary"), cohorts=[{"name": "lab", "tags": ["bench"]}])
case("a cohort that is not named makes no canary", rollout(0), PAIR, on(LATE, 41), hold("outside_cohort", "b41"), cohorts=[{"name": "lab", "devices": [LATE]}])
case("a tag is compared whole and by case", rollout(0, canary={"tags": ["qa"]}), PAIR, on(LATE, 41, tags=["QA", "qa-2", "q"]), hold("outside_cohort", "b41"))
case("a canary inside the cohort counts as a canary", rollout(50, canary={"devices": [IN_10]}), PAIR, on(IN_10, 41), offer("b42", "canary"))
case("canary before the ramp's start", ramp("2026-06-01T13:00:00Z", canary={"devices": [LATE]}), PAIR, on(LATE, 41), offer("b42", "canary"))
case("canary of a withdrawn build gets the baseline", rollout(0, canary={"devices": [LATE]}), ["b40", "b41", "b42_withdrawn"], on(LATE, 40), offer("b41", "baseline"))
case("canary under rollback gets last_safe", rollout(0, canary={"devices": [LATE]}, **BACK), TRIO, on(LATE, 40), offer("b41", "rollback"))
case("canary that has current", rollout(0, canary={"devices": [LATE]}), PAIR, on(LATE, 42), hold("up_to_date", "b42"))

# A percentage that falls under a device.
case("percent lowered under a device that has current", rollout(1), PAIR, on(IN_10, 42), hold("up_to_date", "b41"))
case("percent lowered under a device that has last_safe", rollout(1), PAIR, on(IN_10, 41), hold("outside_cohort", "b41"))
case("percent lowered under a device that is downloading current: its download is no longer authorised", rollout(5), PAIR, on(IN_10, 41, build_id="b41"), hold("outside_cohort", "b41"))
case("percent lowered to 0 under a fresh device that is downloading current", rollout(0), PAIR, on(IN_10, 0), offer("b41", "baseline"))

# Up to date, and beside the plan.
case("exposed device that has current", rollout(10), PAIR, on(IN_10, 42), hold("up_to_date", "b42"))
case("equal code with another build is up to date", rollout(10), PAIR, on(IN_10, 42, build_id="b42-hotfix"), hold("up_to_date", "b42"))
case("last_safe's code with another build, unexposed", rollout(10), PAIR, on(LATE, 41, build_id="b41-hotfix"), hold("outside_cohort", "b41"))
case("last_safe equals current at 100 %", rollout(100, last_safe="b42"), PAIR, on(LATE, 42), hold("up_to_date", "b42"))
case("an undeclared newer version is ahead", rollout(100), PAIR, on(LATE, 99), hold("ahead", "b42"))
case("a declared newer version is ahead of the baseline", rollout(10), ["b41", "b42", "b43"], on(LATE, 43), hold("ahead", "b41"))
case("an undeclared older version gets the offer", rollout(100), PAIR, on(LATE, 7), offer("b42", "rollout", 100))

# Rollback.
case("rollback: fresh device", rollout(10, **BACK), PAIR, on(IN_10, 0), offer("b41", "rollback"))
case("rollback: device on an older version", rollout(10, **BACK), TRIO, on(LATE, 40), offer("b41", "rollback"))
case("rollback without force: device on last_safe", rollout(10, **BACK), PAIR, on(IN_10, 41), hold("up_to_date", "b41"))
case("rollback without force: device on current stays", rollout(10, **BACK), PAIR, on(IN_10, 42), hold("ahead", "b41"))
case("rollback without force: undeclared newer version", rollout(10, **BACK), PAIR, on(IN_10, 99), hold("ahead", "b41"))
case("rollback with force: device on last_safe", rollout(10, **FORCED), PAIR, on(IN_10, 41), hold("up_to_date", "b41"))
case("rollback with force: device on current goes back", rollout(10, **FORCED), PAIR, on(IN_10, 42), offer("b41", "rollback", force=True))
case("rollback with force: an unexposed device on current goes back too", rollout(10, **FORCED), PAIR, on(LATE, 42), offer("b41", "rollback", force=True))
case("rollback with force: undeclared newer version stays", rollout(10, **FORCED), PAIR, on(IN_10, 99), hold("ahead", "b41"))
case("rollback with force: another declared newer build goes back", rollout(10, **FORCED), ["b41", "b42", "b43"], on(IN_10, 43), offer("b41", "rollback", force=True))
case("rollback with force: fresh device gets a plain offer", rollout(10, **FORCED), PAIR, on(IN_10, 0), offer("b41", "rollback"))
case("rollback to a last_safe that is newer than current", {"current": "b41", "last_safe": "b42", "rollout_percent": 10, "force_downgrade": True, "rollback": True, "reason": "x"}, PAIR, on(IN_10, 41), offer("b42", "rollback"))
case("must_install goes with a forced rollback", rollout(10, must_install=True, **FORCED), PAIR, on(IN_10, 42), offer("b41", "rollback", force=True, must=True))
case("must_install does not go with a plain rollback offer", rollout(10, must_install=True, **BACK), TRIO, on(IN_10, 40), offer("b41", "rollback"))
case("current older than last_safe, exposed: forced back", rollout(10, **OLDER), PAIR, on(IN_10, 42), offer("b41", "rollout", 10, force=True))
case("current older than last_safe, unexposed: up to date", rollout(10, **OLDER), PAIR, on(LATE, 42), hold("up_to_date", "b42"))
case("current older than last_safe, unexposed device on current stays", rollout(10, **OLDER), PAIR, on(LATE, 41), hold("up_to_date", "b42"))
case("current older than last_safe, fresh unexposed device", rollout(10, **OLDER), PAIR, on(LATE, 0), offer("b42", "baseline"))
case("force and a declared version above an unexposed baseline", rollout(10, **OLDER), ["b41", "b42", "b43"], on(LATE, 43), offer("b42", "baseline", force=True))

# Withdrawn builds.
case("withdrawn current: exposed device keeps last_safe", rollout(10), ["b41", "b42_withdrawn"], on(IN_10, 41), hold("up_to_date", "b41"))
case("withdrawn current: exposed older device gets the baseline", rollout(10), ["b40", "b41", "b42_withdrawn"], on(IN_10, 40), offer("b41", "baseline"))
case("withdrawn current: a device that has it stays", rollout(10), ["b41", "b42_withdrawn"], on(IN_10, 42), hold("up_to_date", "b41"))
case("withdrawn current without last_safe", {"current": "b42", "rollout_percent": 100}, ["b42_withdrawn"], on(IN_10, 40), hold("withdrawn"))
case("withdrawn last_safe: exposed device gets current", rollout(10), ["b41_withdrawn", "b42"], on(IN_10, 40), offer("b42", "rollout", 10))
case("withdrawn last_safe: unexposed device gets nothing", rollout(10), ["b41_withdrawn", "b42"], on(LATE, 40), hold("outside_cohort"))
case("withdrawn last_safe under rollback", rollout(10, **BACK), ["b41_withdrawn", "b42"], on(IN_10, 40), hold("withdrawn"))
case("withdrawn last_safe under forced rollback", rollout(10, **FORCED), ["b41_withdrawn", "b42"], on(IN_10, 42), hold("withdrawn"))
case("withdrawn current under rollback", rollout(10, **BACK), ["b40", "b41", "b42_withdrawn"], on(IN_10, 40), offer("b41", "rollback"))
case("forced back from a withdrawn current", rollout(10, **FORCED), ["b41", "b42_withdrawn"], on(IN_10, 42), offer("b41", "rollback", force=True))
case("both withdrawn", rollout(10), ["b41_withdrawn", "b42_withdrawn"], on(IN_10, 40), hold("withdrawn"))

# Suspend.
case("suspended: nobody is offered anything", rollout(100, suspend=FROZEN), PAIR, on(IN_10, 41), hold("suspended"))
case("suspended: canaries neither", rollout(0, canary={"devices": [LATE]}, suspend=FROZEN), PAIR, on(LATE, 41), hold("suspended"))
case("suspended: up to date is not said", rollout(100, suspend=FROZEN), PAIR, on(IN_10, 42), hold("suspended"))
case("suspended and rollback", rollout(10, suspend=FROZEN, **BACK), PAIR, on(IN_10, 0), hold("suspended"))
case("suspended and forced rollback", rollout(10, suspend=FROZEN, **FORCED), PAIR, on(IN_10, 42), hold("suspended"))
case("a suspend begins at since, inclusive", rollout(10, suspend=FROZEN), PAIR, on(IN_10, 41), hold("suspended"), now="2026-06-01T00:00:00Z")
case("a suspend has not begun a second before since", rollout(10, suspend=FROZEN), PAIR, on(IN_10, 41), offer("b42", "rollout", 10), now="2026-05-31T23:59:59Z")
case("a suspend ends at until, exclusive", rollout(10, suspend=FROZEN), PAIR, on(IN_10, 41), offer("b42", "rollout", 10), now="2026-06-02T00:00:00Z")
case("an expired suspend holds nothing", rollout(10, suspend=FROZEN), PAIR, on(IN_10, 41), offer("b42", "rollout", 10), now="2026-07-01T00:00:00Z")

# Ramp.
case("a ramp begins at its start, inclusive", ramp("2026-06-01T12:00:00Z"), PAIR, on(IN_1, 41), offer("b42", "rollout", 1))
case("a second before its start a ramp exposes nobody", ramp("2026-06-01T12:00:01Z"), PAIR, on(IN_1, 41), hold("outside_cohort", "b41"))
case("a ramp start with an offset is the same moment", ramp("2026-06-01T14:00:00+02:00"), PAIR, on(IN_1, 41), offer("b42", "rollout", 1))
case("the last second of a ramp's first step", ramp("2026-06-01T08:00:01Z"), PAIR, on(IN_10, 41), hold("outside_cohort", "b41"))
case("the first second of a ramp's second step", ramp("2026-06-01T08:00:00Z"), PAIR, on(IN_10, 41), offer("b42", "rollout", 10))
case("a ramp's last step lasts for good", ramp("2026-01-01T00:00:00Z"), PAIR, on(LAST, 41), offer("b42", "rollout", 100))
case("a ramp without a start begins with its revision", rollout(ramp={"steps": RAMP}), PAIR, on(IN_10, 41), offer("b42", "rollout", 10), introduced_at="2026-06-01T07:00:00Z")
case("a suspend freezes the ramp where it stands", ramp("2026-05-31T22:00:00Z", suspend=FROZEN), PAIR, on(IN_10, 41), hold("outside_cohort", "b41"), now="2026-06-02T01:59:59Z")
case("after the suspend the ramp goes on from there", ramp("2026-05-31T22:00:00Z", suspend=FROZEN), PAIR, on(IN_10, 41), offer("b42", "rollout", 10), now="2026-06-02T02:00:00Z")
case("a suspend that was over before the start takes nothing", ramp("2026-06-02T06:00:00Z", suspend=FROZEN), PAIR, on(IN_10, 41), offer("b42", "rollout", 10), now="2026-06-02T10:00:00Z")
case("a suspend across the start counts from the start", ramp("2026-06-01T18:00:00Z", suspend=FROZEN), PAIR, on(IN_1, 41), offer("b42", "rollout", 1), now="2026-06-02T03:59:59Z")
case("rollback stops a ramp at any step", ramp("2026-01-01T00:00:00Z", **BACK), TRIO, on(LATE, 40), offer("b41", "rollback"))
case("must_install goes with a rollout offer", ramp("2026-06-01T12:00:00Z", must_install=True), PAIR, on(IN_1, 41), offer("b42", "rollout", 1, must=True))
case("must_install goes with a canary offer", rollout(0, must_install=True, canary={"devices": [LATE]}), PAIR, on(LATE, 41), offer("b42", "canary", must=True))
case("must_install does not go with a baseline offer", rollout(0, must_install=True), TRIO, on(LATE, 40), offer("b41", "baseline"))

# Platform versions.
HIGH = ["b40", "b41", "b42_sdk33"]
BOTH = ["b40", "b41_sdk30", "b42_sdk33"]
case("min_sdk too high for current alone: baseline", rollout(10), HIGH, on(IN_10, 40, sdk=29), offer("b41", "baseline"))
case("min_sdk too high for current alone: on last_safe already", rollout(10), HIGH, on(IN_10, 41, sdk=29), hold("up_to_date", "b41"))
case("min_sdk too high for both", rollout(10), BOTH, on(IN_10, 40, sdk=29), hold("incompatible_sdk"))
case("min_sdk too high for both, unexposed", rollout(10), BOTH, on(LATE, 40, sdk=29), hold("outside_cohort"))
case("min_sdk too high for last_safe under rollback", rollout(10, **BACK), BOTH, on(IN_10, 40, sdk=29), hold("incompatible_sdk"))
case("min_sdk reached exactly", rollout(10), HIGH, on(IN_10, 41, sdk=33), offer("b42", "rollout", 10))
case("an unknown sdk rules nothing out", rollout(10), HIGH, on(IN_10, 41), offer("b42", "rollout", 10))
case("withdrawn and min_sdk too high: withdrawn is said", rollout(10), ["b41_sdk30", "b42_withdrawn"], on(IN_10, 40, sdk=29), hold("withdrawn"))

# Signers.
KEYS = ["b41", "b42_rotated"]
BY_SDK = ["b41", "b42_rotated_from_33"]
case("unknown signer", rollout(10), PAIR, on(IN_10, 41), offer("b42", "rollout", 10))
case("equal signer", rollout(10), PAIR, on(IN_10, 41, signer=A), offer("b42", "rollout", 10))
case("signer in the lineage", rollout(10), KEYS, on(IN_10, 41, signer=A), offer("b42", "rollout", 10, signer=B))
case("foreign signer", rollout(10), PAIR, on(IN_10, 41, signer=C), hold("signer_mismatch", "b42"))
case("foreign signer beside a lineage", rollout(10), KEYS, on(IN_10, 41, signer=C), hold("signer_mismatch", "b42"))
case("a rotated device cannot take a build of the old key", rollout(10), PAIR, on(IN_10, 41, signer=B), hold("signer_mismatch", "b42"))
case("foreign signer, baseline", rollout(10), TRIO, on(LATE, 40, signer=C), hold("signer_mismatch", "b41"))
case("foreign signer, rollback", rollout(10, **BACK), TRIO, on(LATE, 40, signer=C), hold("signer_mismatch", "b41"))
case("foreign signer that is up to date", rollout(10), PAIR, on(IN_10, 42, signer=C), hold("up_to_date", "b42"))
case("signer by sdk: below 33 the old key", rollout(10), BY_SDK, on(IN_10, 41, signer=A, sdk=32), offer("b42", "rollout", 10, signer=A))
case("signer by sdk: from 33 the new key", rollout(10), BY_SDK, on(IN_10, 41, signer=A, sdk=33), offer("b42", "rollout", 10, signer=B))
case("signer by sdk: a new key below 33 does not continue", rollout(10), BY_SDK, on(IN_10, 41, signer=B, sdk=32), hold("signer_mismatch", "b42"))
case("signer by sdk: unknown sdk takes either key", rollout(10), BY_SDK, on(IN_10, 41, signer=B), offer("b42", "rollout", 10, signer=A))
case("forced back with the equal signer", rollout(10, **FORCED), PAIR, on(IN_10, 42, signer=A), offer("b41", "rollback", force=True))
case("not forced back with a foreign signer", rollout(10, **FORCED), PAIR, on(IN_10, 42, signer=C), hold("ahead", "b41"))
case("not forced back when the installed build has another key", rollout(10, **FORCED), ["b41", "b42_rotated"], on(IN_10, 42), hold("ahead", "b41"))
case("not forced back to a build of another key", rollout(10, **FORCED), ["b41_other_key", "b42"], on(IN_10, 42, signer=A), hold("ahead", "b41"))
case("forced back by sdk: both have the new key from 33", rollout(10, **FORCED), ["b41_rotated_from_33", "b42_rotated_from_33"], on(IN_10, 42, sdk=34, signer=B), offer("b41", "rollback", force=True, signer=B))
case("not forced back by sdk: from 33 the keys differ", rollout(10, **FORCED), ["b41", "b42_rotated_from_33"], on(IN_10, 42, sdk=34), hold("ahead", "b41"))

# APKs lost after admission.
case("lost APK of current", rollout(10), PAIR, on(IN_10, 41), hold("artifact_missing", "b42"), missing_artifacts=["b42"])
case("lost APK of current does not concern an unexposed device", rollout(10), TRIO, on(LATE, 40), offer("b41", "baseline"), missing_artifacts=["b42"])
case("lost APK and up to date", rollout(10), PAIR, on(IN_10, 42), hold("up_to_date", "b42"), missing_artifacts=["b42"])
case("lost APK of last_safe under rollback", rollout(10, **BACK), TRIO, on(IN_10, 40), hold("artifact_missing", "b41"), missing_artifacts=["b41"])
