"""Precision, recall and speed of detection here and of other tools, on texts made anew from a seed.

Values are made from the published definitions of their check digits; nothing of this project's detectors is used. A text
holds one value in a sentence, or none but something that looks like one. What counts is whether a tool reports the kind
of value that a text holds, and whether it reports anything where there is none.
"""

import base64
import hashlib
import json
import os
import random
import string
import subprocess
import sys
import tempfile
import time
import uuid

FINDER, DIR, SEED, EACH = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
R = random.Random(SEED)
DIGITS, LOWER, UPPER = string.digits, string.ascii_lowercase, string.ascii_uppercase
ALNUM, BASE62 = LOWER + UPPER + DIGITS, DIGITS + UPPER + LOWER


def some(alphabet, count):
    return "".join(R.choice(alphabet) for _ in range(count))


def luhn(body):
    """The digit that completes it. ISO/IEC 7812-1, annex B."""
    total = 0
    for at, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if at % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def card():
    prefix, length = R.choice([("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("65", 16), ("36", 14), ("3530", 16)])
    body = prefix + some(DIGITS, length - 1 - len(prefix))
    number = body + luhn(body)
    sign = R.choice(["", "", " ", "-"])
    groups = {16: (4, 4, 4, 4), 15: (4, 6, 5), 14: (4, 6, 4)}[length]
    parts, at = [], 0
    for group in groups:
        parts.append(number[at:at + group])
        at += group
    return sign.join(parts)


def iban():
    country, bank = R.choice([("DE", 18), ("ES", 20), ("NL", 0), ("GB", 1), ("FR", 23), ("AT", 16), ("BE", 12)])
    bban = {0: lambda: some(UPPER, 4) + some(DIGITS, 10), 1: lambda: some(UPPER, 4) + some(DIGITS, 14)}.get(bank, lambda: some(DIGITS, bank))()
    letters = "".join(str(int(c, 36)) for c in bban + country + "00")
    value = f"{country}{98 - int(letters) % 97:02}{bban}"
    return value if R.random() < 0.5 else " ".join(value[at:at + 4] for at in range(0, len(value), 4))


def ssn():
    area = R.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03}-{R.randrange(1, 100):02}-{R.randrange(1, 10000):04}"


def nhs():
    while True:
        body = some(DIGITS, 9)
        check = 11 - sum(int(d) * w for d, w in zip(body, range(10, 1, -1))) % 11
        if check != 10:
            number = body + str(check % 11)
            return number if R.random() < 0.5 else f"{number[:3]} {number[3:6]} {number[6:]}"


def email():
    name = R.choice(["j.doe", "maria", "k-lind", "tom.o", "anna_b", "r2d2"]) + some(DIGITS, R.randrange(3))
    return f"{name}@{R.choice(['northquay', 'tidal-works', 'mail.harbor', 'acme'])}.{R.choice(['com', 'org', 'de', 'co.uk', 'io'])}"


def address():
    return ".".join(str(R.randrange(11, 250)) for _ in range(4))


def phone():
    return R.choice([
        lambda: f"+1 {R.randrange(201, 989)}-{R.randrange(201, 989)}-{some(DIGITS, 4)}",
        lambda: f"({R.choice([212, 415, 312, 617, 206])}) {R.randrange(220, 989)}-{some(DIGITS, 4)}",
        lambda: f"+49 30 {R.randrange(2, 9)}{some(DIGITS, 7)}",
        lambda: f"+44 20 7{some(DIGITS, 3)} {some(DIGITS, 4)}",
        lambda: f"{R.choice([212, 415, 312, 617, 206])}-{R.randrange(220, 989)}-{some(DIGITS, 4)}",
    ])()


def bitcoin():
    payload = b"\0" + bytes(R.randrange(256) for _ in range(20))
    raw = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, out = int.from_bytes(raw, "big"), ""
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    while number:
        number, rest = divmod(number, 58)
        out = alphabet[rest] + out
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + out


def crc_base62(body):
    import zlib
    number, out = zlib.crc32(body.encode()), ""
    while number:
        number, rest = divmod(number, 62)
        out = BASE62[rest] + out
    return out.rjust(6, "0")


def token(prefix, alphabet, count):
    return lambda: prefix + some(alphabet, count)


def github():
    body = some(BASE62, 30)
    return R.choice(["ghp_", "gho_", "ghs_"]) + body + crc_base62(body)


def jwt():
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    signature = base64.urlsafe_b64encode(bytes(R.randrange(256) for _ in range(32))).rstrip(b"=").decode()
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': some(DIGITS, 8), 'iat': R.randrange(1_600_000_000, 1_800_000_000)})}.{signature}"


def private_key():
    body = base64.b64encode(bytes(R.randrange(256) for _ in range(600))).decode()
    lines = "\n".join(body[at:at + 64] for at in range(0, len(body), 64))
    kind = R.choice(["RSA ", "EC ", "", "OPENSSH "])
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def secret():
    return R.choice([lambda: some(ALNUM, R.randrange(20, 41)), lambda: some("0123456789abcdef", R.choice([32, 40])), lambda: base64.b64encode(bytes(R.randrange(256) for _ in range(24))).decode()])()


PERSONAL = {
    "card": (card, ["Please charge my credit card {}.", "Visa {} expires 08/27", "card number: {}", "paid with {} yesterday", "cc {}"]),
    "iban": (iban, ["Transfer it to {} by Friday.", "IBAN: {}", "our account {} has moved", "{}"]),
    "ssn": (ssn, ["SSN: {}", "her social security number is {}", "employee {} (social security)", "Social Security No. {}"]),
    "email": (email, ["write to {} please", "From: {}", "<{}>", "contact {}, she knows"]),
    "ip": (address, ["the host {} did not answer", "IP address: {}", "from {} port 22", "ssh root@{}"]),
    "phone": (phone, ["Call me at {} after six.", "phone: {}", "Tel. {}", "my number is {}"]),
    "nhs": (nhs, ["NHS number {}", "patient's NHS no: {}", "National Health Service number: {}"]),
    "crypto": (bitcoin, ["send bitcoin to {}", "BTC wallet {}", "pay {} only"]),
}
SECRETS = {
    "aws": (token("AKIA", UPPER + "234567", 16), ["aws_access_key_id = {}", 'key: "{}"', "export AWS_ACCESS_KEY_ID={}"]),
    "github": (github, ["git clone https://{}@github.com/a/b", 'token = "{}"', "GITHUB_TOKEN={}"]),
    "gitlab": (token("glpat-", ALNUM, 20), ["GITLAB_TOKEN={}", 'private_token: "{}"']),
    "stripe": (token("sk_live_", ALNUM, 24), ['stripe.api_key = "{}"', "STRIPE_KEY={}"]),
    "slack": (lambda: f"xoxb-{some(DIGITS, 12)}-{some(DIGITS, 12)}-{some(ALNUM, 24)}", ['slack_token: "{}"', "SLACK={}"]),
    "google": (token("AIza", ALNUM + "-_", 35), ["maps key={}", '"api_key": "{}"']),
    "sendgrid": (lambda: f"SG.{some(ALNUM, 22)}.{some(ALNUM, 43)}", ['SENDGRID_API_KEY="{}"', "sendgrid: {}"]),
    "jwt": (jwt, ["Authorization: Bearer {}", 'token = "{}"']),
    "private-key": (private_key, ["{}", "key: |\n{}\n"]),
    "assigned": (secret, ['api_key = "{}"', 'client_secret: "{}"', "DB_PASSWORD={}", '"password": "{}"', 'const authToken = "{}";', "secret_key = '{}'"]),
    "url": (lambda: f"{some(LOWER, 6)}:{some(ALNUM, 14)}", ["postgres://{}@db.internal:5432/app", "https://{}@repo.internal/x.git"]),
}


def luhn_order():
    body = "4" + some(DIGITS, 14)
    return body + luhn(body)


NEGATIVES = [
    (lambda: str(uuid.UUID(int=R.getrandbits(128))), ["request id {}", "uuid={}", "see {}"]),
    (lambda: some("0123456789abcdef", 40), ["commit {}", "at revision {}", "git checkout {}"]),
    (lambda: some("0123456789abcdef", 64), ["sha256:{}", "checksum {}", "digest: sha256-{}"]),
    (lambda: ".".join(str(R.randrange(30)) for _ in range(3)), ["version {}", "upgrade to v{}", "release {} is out"]),
    (lambda: ".".join(str(R.randrange(1, 9)) for _ in range(4)), ["version {}", "section {} of the contract", "build v{}"]),
    (lambda: f"{R.randrange(10**9, 10**10)}", ["order number {}", "invoice {} is due", "ticket {}", "tracking {}"]),
    (lambda: some(DIGITS, 16), ["order no. {}", "tracking number {}", "reference {}"]),
    (luhn_order, ["order number {}", "tracking number: {}", "serial number {}"]),
    (lambda: f"20{R.randrange(10, 30)}-{R.randrange(1, 13):02}-{R.randrange(1, 29):02}", ["due on {}", "{} 10:15:00 started", "since {}"]),
    (lambda: some(DIGITS, 13), ["ISBN {}", "timestamp {}", "EAN {}"]),
    (lambda: f"{some(DIGITS, 3)}-{some(DIGITS, 2)}-{some(DIGITS, 4)}"[::-1], ["part number {}", "SKU {}"]),
    (lambda: R.choice(["your_api_key", "<token>", "${API_KEY}", "changeme", "xxxxxxxxxxxxxxxxxxxx", "process.env.TOKEN", "EXAMPLEKEY"]), ['api_key = "{}"', "password={}", 'token: "{}"']),
    (lambda: base64.b64encode(bytes(R.randrange(256) for _ in range(60))).decode(), ["data:image/png;base64,{}", '"thumbnail": "{}"', "etag: {}"]),
    (lambda: R.choice(["getToken", "TokenKind::Word", "password_field", "secretName", "user.password"]), ["token = {}", "let password = {};", "secret: {}"]),
    (lambda: f"{R.randrange(100, 999)} {R.randrange(100, 999)} {R.randrange(1000, 9999)}", ["rows {} were read", "counts: {}"]),
    (lambda: f"lib-{some(LOWER, 5)}@{R.randrange(9)}.{R.randrange(9)}.{R.randrange(9)}", ["npm install {}", "package {}"]),
]
FILLER = ["The tide was out when the boat came in.", "Nobody expected the gate to open before noon.", "See the minutes of the meeting.", "We will look at it next week."]


def text_of(value, frames):
    before = R.choice(FILLER) + " " if R.random() < 0.5 else ""
    after = " " + R.choice(FILLER) if R.random() < 0.5 else ""
    return before + R.choice(frames).replace("{}", value) + after


def made():
    texts = []
    for group, kinds in (("personal", PERSONAL), ("secret", SECRETS)):
        for kind, (make, frames) in kinds.items():
            texts += [(group, kind, text_of(make(), frames)) for _ in range(EACH)]
    for make, frames in NEGATIVES:
        texts += [(None, None, text_of(make(), frames)) for _ in range(EACH)]
    R.shuffle(texts)
    return texts


OURS = {"credit-card": "card", "iban": "iban", "us-ssn": "ssn", "email": "email", "ip-address": "ip", "phone": "phone", "uk-nhs-number": "nhs", "bitcoin-address": "crypto"}
PRESIDIO = {"CREDIT_CARD": "card", "IBAN_CODE": "iban", "US_SSN": "ssn", "EMAIL_ADDRESS": "email", "IP_ADDRESS": "ip", "PHONE_NUMBER": "phone", "UK_NHS": "nhs", "CRYPTO": "crypto"}
ORDER = ["low", "medium", "high"]


def ours(texts, least):
    given = "\n".join(json.dumps(text) for _, _, text in texts)
    *rows, took = subprocess.run([FINDER], input=given, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    found = []
    for row in rows:
        sure = [(d, g) for d, g, c in json.loads(row) if ORDER.index(c) >= ORDER.index(least)]
        personal = {OURS[d] for d, _ in sure if d in OURS}
        others = {d for d, g in sure if d not in OURS and g not in ("secret", "cloud-access-key") and d not in SECRET_NAMES}
        secrets = {d for d, g in sure if g in ("secret", "cloud-access-key") or d in SECRET_NAMES}
        found.append((personal, secrets, others))
    return found, float(took)


SECRET_NAMES = {"private-key", "github-token", "slack-token", "stripe-key", "aws-access-key", "google-api-key", "gcp-service-account-key", "azure-storage-key"}


def presidio(texts, least):
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), fallback_to_snapshot=True)

    class Blank(SpacyNlpEngine):
        def __init__(self):
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    engine = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])
    engine.registry.remove_recognizer("SpacyRecognizer")
    began = time.process_time()
    results = [engine.analyze(text, language="en", score_threshold=least) for _, _, text in texts]
    took = time.process_time() - began
    return [({PRESIDIO[r.entity_type] for r in found if r.entity_type in PRESIDIO}, set(), set()) for found in results], took


def detect_secrets(texts, _):
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import default_settings

    found, took = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number, (_, _, text) in enumerate(texts):
            names.append(os.path.join(folder, f"{number}.txt"))
            with open(names[-1], "w") as file:
                file.write(text + "\n")
        with default_settings():
            for name in names:
                secrets = SecretsCollection()
                began = time.process_time()
                secrets.scan_file(name)
                took += time.process_time() - began
                found.append((set(), {secret.type for _, secret in secrets}, set()))
    return found, took


def gitleaks(texts, _):
    with tempfile.TemporaryDirectory() as folder:
        for number, (_, _, text) in enumerate(texts):
            with open(os.path.join(folder, f"{number}.txt"), "w") as file:
                file.write(text + "\n")
        answer = os.path.join(folder, "..", f"gitleaks-{os.getpid()}.json")
        before = os.times()
        subprocess.run([os.path.join(DIR, "bin", "gitleaks"), "dir", folder, "-r", answer, "-f", "json", "--exit-code", "0", "--no-banner", "-l", "error"], check=True)
        after = os.times()
        took = after.children_user + after.children_system - before.children_user - before.children_system
        with open(answer) as file:
            leaks = json.load(file)
        os.remove(answer)
    found = [(set(), set(), set()) for _ in texts]
    for leak in leaks:
        found[int(os.path.basename(leak["File"]).split(".")[0])][1].add(leak["RuleID"])
    return found, took


def share(part, whole):
    return f"{part / whole:6.3f}" if whole else "     -"


def judged(texts, found, group):
    """By kind: how many there are, how many are found; and what is reported that is not there."""
    hits, there, wrong, missed, odd = {}, {}, 0, [], []
    for (of, kind, text), (personal, secrets, _) in zip(texts, found):
        reported = personal if group == "personal" else secrets
        if of == group:
            there[kind] = there.get(kind, 0) + 1
            hit = kind in reported if group == "personal" else bool(reported)
            hits[kind] = hits.get(kind, 0) + hit
            if not hit:
                missed.append((kind, text))
            extra = reported - {kind} if group == "personal" else set()
        else:
            # What is a secret may look like something personal, and the other way round: that is not judged.
            extra = reported if of is None else set()
        if extra:
            wrong += 1
            odd.append((sorted(extra), text))
    return hits, there, wrong, missed, odd


def main():
    texts = made()
    size = sum(len(text.encode()) for _, _, text in texts)
    print(f"seed {SEED}: {len(texts)} texts, {size} bytes; precision and recall of the kinds that both know\n")
    for group, tools in (
        ("personal", [("Tidegate, medium or more", ours, "medium"), ("Tidegate, any", ours, "low"), ("Presidio, any", presidio, 0.0), ("Presidio, 0.4 or more", presidio, 0.4)]),
        ("secret", [("Tidegate, medium or more", ours, "medium"), ("Tidegate, any", ours, "low"), ("gitleaks", gitleaks, None), ("detect-secrets", detect_secrets, None)]),
    ):
        kinds = list(PERSONAL if group == "personal" else SECRETS)
        print(f"{group:<26} precision recall   MB/CPU-s  " + " ".join(f"{kind:>8.8}" for kind in kinds))
        for name, run, least in tools:
            try:
                found, took = run(texts, least)
            except (ImportError, OSError) as error:
                print(f"{name:<26} LEFT OUT: {error}")
                continue
            hits, there, wrong, missed, odd = judged(texts, found, group)
            right, all_there = sum(hits.values()), sum(there.values())
            by_kind = " ".join(f"{hits.get(kind, 0) / there[kind]:8.2f}" for kind in kinds)
            print(f"{name:<26}   {share(right, right + wrong)} {share(right, all_there)} {size / 1e6 / max(took, 1e-9):10.3f}  {by_kind}")
            if os.environ.get("SHOW") and run is ours:
                for kind, text in missed[:40]:
                    print("   missed", kind, repr(text)[:160])
                for kinds_found, text in odd[:40]:
                    print("   wrong ", kinds_found, repr(text)[:160])
        print()


main()
