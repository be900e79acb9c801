"""Validates OCSF 1.7.0 events: files of JSON or JSON Lines, or folders of them. Run it by scripts/ocsf-check."""

import json
import sys
from pathlib import Path

from ocsf.v1_7_0.events import (
    AccountChange,
    ApiActivity,
    Authentication,
    DataSecurityFinding,
    DetectionFinding,
    FileHosting,
    UserAccess,
)
# Last and in this order: pydantic-ocsf 3.0.0 makes the words of `status_id` once for all classes, of the first that it makes, and
# leaves a class half made whose heir came before it.
from ocsf.v1_7_0.events import RemediationActivity  # isort: skip
from ocsf.v1_7_0.events import FileRemediationActivity  # isort: skip
from pydantic import BaseModel, ValidationError

CLASSES = {
    2004: DetectionFinding, 2006: DataSecurityFinding, 3001: AccountChange, 3002: Authentication, 3005: UserAccess,
    6003: ApiActivity, 6006: FileHosting, 7001: RemediationActivity, 7002: FileRemediationActivity,
}
# What pydantic-ocsf lets pass: of these, an object has one at the least (schema.ocsf.io/1.7.0).
AT_LEAST_ONE = {
    "actor": ["process", "user", "invoked_by", "session", "app_name", "app_uid"],
    "user": ["account", "name", "uid"],
    "src_endpoint": ["ip", "uid", "name", "hostname", "svc_name"],
    "data_security": ["data_lifecycle_state_id", "detection_pattern", "detection_system_id", "policy"],
    "policy": ["name", "type", "uid"],
    "evidences": ["actor", "data", "file", "resources", "src_endpoint", "url", "user"],
    "resources": ["name", "uid"],
    "service": ["name", "uid"],
}
# Of a Data Security Finding pydantic-ocsf 3.0.0 takes `status_id` for that of a data classification, which has no Resolved, and of
# a Remediation Activity it knows only the words that the class adds: both are held here.
STATUSES = {0: "Unknown", 1: "New", 2: "In Progress", 3: "Suppressed", 4: "Resolved", 5: "Archived", 6: "Deleted"}
# What the profile `incident` adds to a finding, with the words of `verdict_id`: pydantic-ocsf knows no profiles.
INCIDENT = ["assignee", "verdict", "verdict_id"]
VERDICTS = {1: "False Positive", 2: "True Positive", 3: "Disregard", 4: "Suspicious", 5: "Benign", 6: "Test",
            7: "Insufficient Data", 8: "Security Risk", 9: "Managed Externally", 10: "Duplicate", None: None}
ENDS = {0: "Unknown", 1: "Success", 2: "Failure", 3: "Does Not Exist", 4: "Partial", 5: "Unsupported", 6: "Error"}
REQUIRED = ["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"]
REQUIRED_OF = {
    2004: ["finding_info"], 2006: ["finding_info"], 3001: ["user"], 3002: ["user"], 3005: ["user", "privileges"],
    6003: ["actor", "api", "src_endpoint"], 6006: ["actor", "src_endpoint", "file"], 7001: ["command_uid"],
    7002: ["command_uid", "file"],
}
# Of these attributes an event of the class has one at the least: a constraint that pydantic-ocsf does not hold.
ONE_OF = {3002: ["service", "dst_endpoint"]}


def unknown(model, path):
    """Attributes that the schema does not have; what stands below `unmapped` is free."""
    for name in model.model_extra or {}:
        yield f"{path}{name} is no attribute of the schema"
    for name in type(model).model_fields:
        if name == "unmapped":
            continue
        value = getattr(model, name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, BaseModel):
                yield from unknown(one, f"{path}{name}.")


def too_empty(value, path=""):
    for name, below in value.items():
        if name == "unmapped":
            continue
        for one in below if isinstance(below, list) else [below]:
            if isinstance(one, dict):
                wanted = AT_LEAST_ONE.get(name)
                if wanted and not any(key in one for key in wanted):
                    yield f"{path}{name} has none of {', '.join(wanted)}"
                yield from too_empty(one, f"{path}{name}.")


def observed(event):
    """Each observable points to where its value stands."""
    for one in event.get("observables", []):
        value = event
        for step in one["name"].replace("[0]", ".0").split("."):
            value = value[int(step)] if step.isdigit() else value.get(step, {})
        if value != one["value"]:
            yield f"the observable {one['name']} is not {value!r}"


def complaints(event):
    # pydantic-ocsf makes what is missing of what is there.
    kind = event.get("class_uid")
    missing = [name for name in REQUIRED + REQUIRED_OF.get(kind, []) if name not in event]
    if missing:
        yield f"there is no {', '.join(missing)}"
        return
    if kind in ONE_OF and event.keys().isdisjoint(ONE_OF[kind]):
        yield f"there is none of {', '.join(ONE_OF[kind])}"
    is_finding, is_remedy = kind in (2004, 2006), kind in (7001, 7002)
    try:
        profile = INCIDENT if "incident" in event["metadata"].get("profiles", []) else []
        own = {key: value for key, value in event.items() if not (is_finding or is_remedy) or key not in ["status_id", "status", *profile]}
        model = CLASSES[event["class_uid"]].model_validate(own)
    except (ValidationError, KeyError, ValueError) as error:
        yield str(error)
        return
    yield from unknown(model, "")
    yield from too_empty(event)
    yield from observed(event)
    if is_finding and STATUSES.get(event.get("status_id")) != event.get("status"):
        yield f"status_id {event.get('status_id')} is not called {event.get('status')}"
    if is_remedy and event.get("status_id") != 99 and ENDS.get(event.get("status_id")) != event.get("status"):
        yield f"status_id {event.get('status_id')} is not called {event.get('status')}"
    if VERDICTS.get(event.get("verdict_id"), "?") != event.get("verdict"):
        yield f"verdict_id {event.get('verdict_id')} is not called {event.get('verdict')}"
    if event.get("assignee", {"name": ""}).keys().isdisjoint(["account", "name", "uid"]):
        yield "assignee has none of account, name, uid"
    if event["time"] < 1_000_000_000_000:
        yield "time is not in milliseconds"


def sees_what_is_wrong(event):
    """The check itself must not be blind: each of these is a complaint."""
    kind = event["class_uid"]
    needed = REQUIRED + REQUIRED_OF[kind] + ([one for one in ONE_OF[kind] if one in event] if kind in ONE_OF else [])
    wrong = [{key: value for key, value in event.items() if key != name} for name in needed]
    wrong += [{**event, name: value} for name, value in [
        ("no_such_attribute", 1), ("severity_id", 77), ("type_uid", 1), ("activity_id", 55), ("time", "soon"),
        ("metadata", {"version": "1.7.0"}),
    ]]
    if kind in (2004, 2006):
        wrong += [{**event, "status_id": 3}, {**event, "finding_info": {"title": "no uid"}}]
    wrong += [{**event, name: {}} for name in AT_LEAST_ONE if isinstance(event.get(name), dict)]
    for one in wrong:
        if not list(complaints(one)):
            sys.exit(f"ocsf-check: not seen to be wrong: {json.dumps(one)}")


def main():
    files = []
    for given in map(Path, sys.argv[1:]):
        files += sorted(given.glob("*.json")) if given.is_dir() else [given]
    wrong, checked, first = 0, 0, {}
    for file in files:
        texts = file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]
        for line, text in enumerate(texts, 1):
            event = json.loads(text)
            checked += 1
            first.setdefault(event.get("class_uid"), event)
            for complaint in complaints(event):
                wrong += 1
                print(f"{file}:{line}: {complaint}", file=sys.stderr)
    if wrong or not checked:
        sys.exit(f"ocsf-check: {wrong} complaints in {checked} events")
    for event in first.values():
        sees_what_is_wrong(event)
    if unseen := CLASSES.keys() - first.keys():
        sys.exit(f"ocsf-check: no event of {sorted(unseen)}")
    print(f"ocsf-check: {checked} events of {len(first)} classes hold OCSF 1.7.0", file=sys.stderr)


main()
