#!/usr/bin/env python3
"""Makes vectors.json: manifests signed by other software, and keys in the forms that it writes.

Run by hand when a vector is added: python3 make.py. It needs `cryptography` from PyPI and the
command `openssl`. The keys are made for this and used nowhere else.
"""
import base64, json, pathlib, subprocess, tempfile

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

CURVES = {
    "secp256k1": (ec.SECP256K1(), hashes.SHA256(), 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141, 32),
    "p256": (ec.SECP256R1(), hashes.SHA256(), 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551, 32),
    "p384": (ec.SECP384R1(), hashes.SHA384(), 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973, 48),
}
KEYS = {name: ec.generate_private_key(curve) for name, (curve, _, _, _) in CURVES.items()}

PLAIN = {"files": {"b.txt": {"labels": ["B", "A"], "hash": "900150983CD24FB0D6963F7D28E17F72"}, "a.txt": {"labels": []}}}
WIDE = {
    "run_guid": "é — \U0001F600 \uffe6 \x7f \x01 \"\\/",
    "run": {"\U0001F600": 1, "\uffe6": 2, "signature": "inner", "big": 10**20, "share": 0.5, "small": 2.5e-07},
    "files": {"übung.docx": {"labels": ["Vertraulich – intern", "機密"], "hash": "900150983cd24fb0d6963f7d28e17f72"}},
}


def minified(document, ascii):
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=ascii).encode()


def public(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def private(key, form):
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def sign(curve, text, high=None, digest=None):
    _, own, order, _ = CURVES[curve]
    r, s = decode_dss_signature(KEYS[curve].sign(text, ec.ECDSA(digest or own)))
    if high is not None and (s > order // 2) != high:
        s = order - s
    return r, s


def der(pair):
    return encode_dss_signature(*pair)


def raw(curve, pair):
    size = CURVES[curve][3]
    return b"".join(number.to_bytes(size, "big") for number in pair)


def openssl(curve, text):
    """Signed by the command line, with a key in a file."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "key").write_text(private(KEYS[curve], serialization.PrivateFormat.PKCS8))
        (folder / "text").write_bytes(text)
        digest = "-sha384" if curve == "p384" else "-sha256"
        return subprocess.run(["openssl", "dgst", digest, "-sign", folder / "key", folder / "text"], check=True, capture_output=True).stdout


rows = []


def row(name, curve, document, signature, ok=True, **layout):
    text = json.dumps({**document, "signature": signature}, **layout)
    rows.append({"name": name, "key": curve, "manifest": text, "holds": ok})


for curve in CURVES:
    text = minified(PLAIN, True)
    row("DER, hexadecimal, lower case", curve, PLAIN, der(sign(curve, text, high=False)).hex(), indent=4)
    row("DER, hexadecimal, upper case, the greater S", curve, PLAIN, der(sign(curve, text, high=True)).hex().upper())
    row("DER, base64", curve, PLAIN, base64.b64encode(der(sign(curve, text))).decode())
    row("r and s, hexadecimal", curve, PLAIN, raw(curve, sign(curve, text, high=True)).hex())
    row("r and s, base64 for addresses, without padding", curve, PLAIN, base64.urlsafe_b64encode(raw(curve, sign(curve, text))).decode().rstrip("="))
    row("openssl dgst", curve, PLAIN, openssl(curve, text).hex(), indent="\t")
    row("every character, signed as UTF-8, written as ASCII", curve, WIDE, der(sign(curve, minified(WIDE, False))).hex())
    row("every character, signed as ASCII, written as UTF-8", curve, WIDE, der(sign(curve, minified(WIDE, True))).hex(), ensure_ascii=False)
    row("another label", curve, {**PLAIN, "more": 1}, der(sign(curve, text)).hex(), ok=False)
    row("not sorted when it was signed", curve, PLAIN, der(sign(curve, json.dumps(PLAIN, separators=(",", ":")).encode())).hex(), ok=False)
    row("with space when it was signed", curve, PLAIN, der(sign(curve, json.dumps(PLAIN, sort_keys=True).encode())).hex(), ok=False)
row("P-384 over SHA-256", "p384", PLAIN, der(sign("p384", minified(PLAIN, True), digest=hashes.SHA256())).hex())
row("P-256 over SHA-1", "p256", PLAIN, der(sign("p256", minified(PLAIN, True), digest=hashes.SHA1())).hex(), ok=False)


def sec1(curve):
    """As `openssl ecparam -genkey` writes it: the curve's parameters in a block before the key."""
    name = {"secp256k1": "secp256k1", "p256": "prime256v1", "p384": "secp384r1"}[curve]
    return subprocess.run(["openssl", "ecparam", "-name", name, "-genkey"], check=True, capture_output=True, text=True).stdout


def of_openssl(pem):
    return subprocess.run(["openssl", "ec", "-pubout"], input=pem, check=True, capture_output=True, text=True).stdout


private_keys = []
for curve, key in KEYS.items():
    for form, encoding in (("PKCS#8", serialization.PrivateFormat.PKCS8), ("SEC1", serialization.PrivateFormat.TraditionalOpenSSL)):
        private_keys.append({"name": f"{form}, cryptography", "curve": curve, "private": private(key, encoding), "public": public(key)})
    pem = sec1(curve)
    private_keys.append({"name": "SEC1, openssl ecparam", "curve": curve, "private": pem, "public": of_openssl(pem)})

made = {"keys": {curve: public(key) for curve, key in KEYS.items()}, "private_keys": private_keys, "manifests": rows}
pathlib.Path(__file__).with_name("vectors.json").write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
