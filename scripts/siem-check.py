"""Holds what others read in lines of CEF and LEEF against the events that the lines were written of. Run it by scripts/siem-check."""

import json
import re
import subprocess
import sys

import pycef

# Keys of each form, and where the value is in the event.
CEF = {
    "externalId": "finding_info/uid", "msg": "message", "act": "activity_name", "cat": "class_name", "outcome": "status",
    "suser": "actor/user/email_addr", "suid": "actor/user/uid", "duser": "user/email_addr", "duid": "user/uid",
    "request": "api/operation", "reason": "status_detail", "fname": "file/name", "filePath": "file/path",
    "fileId": "file/uid", "deviceExternalId": "metadata/tenant_uid", "requestClientApplication": "metadata/log_provider",
    "Incident": "unmapped/number", "Policy": "finding_info/analytic/name", "Event": "metadata/event_code",
    "Visibility": "unmapped/visibility", "Version": "metadata/uid", "Detector": "data_security/detection_pattern",
}
LEEF = {
    "cat": "class_name", "usrName": "actor/user/email_addr", "target": "user/email_addr", "operation": "api/operation",
    "detail": "status_detail", "src": "src_endpoint/ip", "policy": "finding_info/analytic/name", "resource": "file/name",
    "filePath": "file/path", "domain": "metadata/tenant_uid", "service": "metadata/log_provider",
    "serviceEvent": "metadata/event_code", "status": "status", "activity": "activity_name", "incident": "unmapped/number",
    "incidentId": "finding_info/uid", "version": "metadata/uid", "visibility": "unmapped/visibility",
    "detector": "data_security/detection_pattern", "msg": "message",
}
# pycef ends a head at the first `\` or `=`; the standard lets one be escaped there and the other stand.
PLAIN_HEAD = re.compile(r"CEF:0\|(?:[^|\\=]*\|){6}")
SEVERITIES = {1: "1", 2: "3", 3: "5", 4: "8", 5: "10"}


def at(event, path):
    """The text at a path of the event, if there is one."""
    for name in path.split("/"):
        if isinstance(event, list):
            event = event[0] if event else None
        event = event.get(name) if isinstance(event, dict) else None
    return event if isinstance(event, str) and event else None


def place(event, path):
    """The text there, or what the event's first evidence has there."""
    found = at(event, path)
    return found if found is not None else at((event.get("evidences") or [{}])[0], path)


def plain(text):
    """As a reader without control characters sees it; spaces are not told apart."""
    return re.sub(r"\s+", " ", re.sub(r"[\x00-\x1f\x7f-\x9f^]", " ", text)).strip()


def unescaped(text):
    """pycef leaves the escapes of a value to its caller."""
    return re.sub(r"\\(.)", lambda m: {"n": " ", "r": " "}.get(m[1], m[1]), text)


def compare(event, read, keys):
    """What a reader got otherwise than it was."""
    for key, path in keys.items():
        was, got = place(event, path), read.get(key)
        if was is not None and got is not None and plain(was) != plain(got):
            yield f"`{key}` reads {got!r} and was {was!r}"
        elif (was is None) != (got is None):
            yield f"`{key}` reads {got!r} and was {was!r}"


def of_cef(event, line):
    """What pycef reads otherwise."""
    read = pycef.parse(line)
    if read is None:
        yield "it is not read"
        return
    read = {key: unescaped(value) for key, value in read.items()}
    head = tuple(read.get(name) for name in ("CEFVersion", "DeviceVendor", "DeviceProduct", "DeviceSeverity"))
    if PLAIN_HEAD.match(line) and head != ("0", "Tidegate", "Tidegate", SEVERITIES.get(event["severity_id"], "1")):
        yield f"its head reads {head}"
    address = read.get("src", read.get("Source IPv6 Address"))
    if address != place(event, "src_endpoint/ip"):
        yield f"the address reads {address!r}"
    yield from compare(event, read, CEF)


def of_leef(event, read):
    """What leef2hashmap reads otherwise. It writes keys of attributes in small letters."""
    if "error" in read and len(read) == 1:
        yield f"it is not read: {read['error']}"
        return
    head = (read.get("deviceVendor"), read.get("deviceProduct"), read.get("sev"))
    if head != ("Tidegate", "Tidegate", SEVERITIES.get(event["severity_id"], "1")):
        yield f"its head reads {head}"
    yield from compare(event, read, {key.lower(): path for key, path in LEEF.items()})


def main():
    """Reads every line."""
    events = [json.loads(text) for text in open(sys.argv[1], encoding="utf-8")]
    lines = [json.loads(text) for text in open(sys.argv[2], encoding="utf-8")]
    cef, leef = ([one for one in lines if one["form"] == form] for form in ("cef", "leef"))
    if not len(events) == len(cef) == len(leef) > 0:
        sys.exit(f"siem-check: {len(events)} events became {len(cef)} lines of CEF and {len(leef)} of LEEF")
    given = "".join(one["line"] + "\n" for one in leef)
    read = subprocess.run([sys.argv[3]], input=given, capture_output=True, text=True, check=True).stdout.splitlines()
    if len(read) != len(leef):
        sys.exit(f"siem-check: {len(leef)} lines of LEEF were read as {len(read)}")
    wrong = [(one, said) for event, one, text in zip(events, leef, read) for said in of_leef(event, json.loads(text))]
    wrong += [(one, said) for event, one in zip(events, cef) for said in of_cef(event, one["line"])]
    for one, complaint in wrong[:20]:
        print(f"siem-check: {one['form']} of {one['id']}: {complaint}\n  {one['line']}", file=sys.stderr)
    if wrong:
        sys.exit(f"siem-check: {len(wrong)} complaints")
    strange = sum(1 for one in cef if not PLAIN_HEAD.match(one["line"]))
    print(f"siem-check: {len(cef)} lines of CEF and {len(leef)} of LEEF read as they were meant;"
          f" {strange} heads of CEF have what pycef does not read and were not compared")


main()
