//! The texts that scanning is measured on: what people write, what machines write, and what somebody
//! might write to make a scan slow.

use super::ANYTHING;

mod adversary;

/// MB/s promised on what people write, and on what machines write.
const PEOPLE: f64 = 300.0;
const MACHINES: f64 = 100.0;

/// A kind of text.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(super) promised: f64,
    make: Make,
}

enum Make {
    /// The same over and over.
    Repeat(&'static str),
    /// Pieces at random.
    Pieces(&'static [&'static str]),
    /// Pieces made by a function.
    With(fn(&mut Random, &mut String)),
}

const fn kind(name: &'static str, promised: f64, make: Make) -> Kind {
    Kind {
        name,
        promised,
        make,
    }
}

const fn hostile(unit: &'static str) -> Kind {
    kind(unit, ANYTHING, Make::Repeat(unit))
}

impl Kind {
    /// At least `bytes` of it, and the same in every run.
    pub(crate) fn text(&self, bytes: usize) -> String {
        const PIECE_BYTES: usize = 128;
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mut text = String::with_capacity(bytes + PIECE_BYTES);
        while text.len() < bytes {
            match self.make {
                Make::Repeat(unit) => text.push_str(unit),
                Make::Pieces(pieces) => text.push_str(pieces[random.below(pieces.len())]),
                Make::With(more) => more(&mut random, &mut text),
            }
        }
        text
    }
}

/// Xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// All kinds of text.
pub(crate) fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().chain(adversary::KINDS)
}

const KINDS: &[Kind] = &[
    kind("prose", PEOPLE, Make::With(prose)),
    kind("prose, umlauts", PEOPLE, Make::Pieces(GERMAN)),
    kind("prose, Cyrillic", MACHINES, Make::Pieces(RUSSIAN)),
    kind("prose, ideographs", MACHINES, Make::Pieces(CHINESE)),
    kind("source code", MACHINES, Make::Pieces(CODE)),
    kind("JSON", MACHINES, Make::With(json)),
    kind(
        "hex",
        MACHINES,
        Make::With(|r, t| letters(r, t, b"0123456789abcdef")),
    ),
    kind("base64", MACHINES, Make::With(|r, t| letters(r, t, BASE64))),
    kind(
        "digits",
        MACHINES,
        Make::With(|r, t| letters(r, t, b"0123456789")),
    ),
    kind("numeric CSV", MACHINES, Make::With(numbers)),
    kind("dense PII", ANYTHING, Make::With(personal)),
    kind(
        "one SSN with phrase",
        ANYTHING,
        Make::Repeat("ssn 536-22-8145 "),
    ),
    kind("one card", ANYTHING, Make::Repeat("4539578763621486 ")),
    kind("phrases", ANYTHING, Make::Pieces(PHRASES)),
    kind(
        "phrases and numbers",
        ANYTHING,
        Make::With(phrases_and_numbers),
    ),
    kind("short words, numbers", ANYTHING, Make::With(short_words)),
    kind(
        "signs and digits",
        ANYTHING,
        Make::With(|r, t| letters(r, t, b"0123456789 .-/:+()")),
    ),
    kind("key = value", ANYTHING, Make::With(settings)),
    kind(
        "groups with hyphens",
        ANYTHING,
        Make::With(|r, t| letters(r, t, b"0123456789-")),
    ),
    kind(
        "dotted numbers",
        ANYTHING,
        Make::With(|r, t| letters(r, t, b"0123456789.")),
    ),
    kind(
        "base32",
        ANYTHING,
        Make::With(|r, t| letters(r, t, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
    ),
    kind("UUIDs", ANYTHING, Make::With(uuid)),
    kind("full-width digits", ANYTHING, Make::Pieces(FULL_WIDTH)),
    kind("names and near misses", ANYTHING, Make::With(near_misses)),
    hostile("eyJ"),
    hostile("eyJ."),
    hostile("a@"),
    hostile("@"),
    hostile("ssn 1 "),
    hostile("AB12-"),
    hostile("a.b@c.d@"),
    hostile("a@b.cc "),
    hostile("://a:b@"),
    hostile("token "),
    hostile("token=token:"),
    hostile("password="),
    hostile("=\""),
    hostile("a:b="),
    hostile("1234 "),
    hostile("123456789 "),
    hostile("-"),
    hostile("7"),
    hostile("0"),
    hostile("a "),
    hostile("a1 "),
    hostile("1."),
    hostile("1:"),
    hostile("1-"),
    hostile("12:"),
    hostile("1\n"),
    hostile("+1 ("),
    hostile("DE75 "),
    hostile("+fm2_"),
    hostile("sk-proj-"),
    hostile("glpat-"),
    hostile("ghp_"),
    hostile("AKIA "),
    hostile("key-"),
    hostile("BEGIN "),
    hostile("-----BEGIN PRIVATE KEY-----"),
    hostile("private_key_id "),
    hostile("Bearer "),
    hostile("Basic dXNl "),
    hostile("$2b$"),
    hostile("card "),
    hostile("card 4539 5787 6362 1486 order "),
    hostile("é1 "),
    hostile("１"),
    hostile("\u{200b}"),
    hostile("卡号 1234567 "),
];

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn letters(random: &mut Random, text: &mut String, alphabet: &[u8]) {
    text.push(char::from(alphabet[random.below(alphabet.len())]));
}

/// About one number in sixty words, as reports and letters have.
fn prose(random: &mut Random, text: &mut String) {
    match random.below(60) {
        0 => text.push_str(["in 2024 ", "section 3, ", "12 people ", "at 10:30 "][random.below(4)]),
        _ => text.push_str(ENGLISH[random.below(ENGLISH.len())]),
    }
}

fn numbers(random: &mut Random, text: &mut String) {
    text.push_str(&random.below(1_000_000_000_000).to_string());
    text.push(if random.below(8) == 0 { '\n' } else { ',' });
}

fn json(random: &mut Random, text: &mut String) {
    let (a, b, c) = (
        random.below(10_000),
        random.below(97),
        random.below(1_000_000),
    );
    text.push_str(&format!(
        "{{\"id\":{a},\"state\":\"open\",\"ratio\":0.{b},\"tags\":[\"north\",\"tide\"],\"at\":{c}}},\n"
    ));
}

fn personal(random: &mut Random, text: &mut String) {
    let (a, b, c) = (
        random.below(900) + 100,
        random.below(90) + 10,
        random.below(9_000) + 1_000,
    );
    let line = match random.below(8) {
        0 => format!("Social security number: {a}-{b}-{c}\n"),
        1 => format!("ann.{a}@harbour{b}.com wrote\n"),
        2 => format!("visa 4539 5787 6362 {c} exp 03/28\n"),
        3 => format!("call +49 30 90{a}{c}\n"),
        4 => format!("IBAN DE{b} 5121 0800 1245 {c} {b}\n"),
        5 => format!("born 19{b}-03-12, passport C{c}{a}\n"),
        6 => format!("host 10.{b}.7.{b}, mac 0a:1b:{b}:3d:4e:5f\n"),
        _ => format!("api_key = \"q4FBfFT{a}dimy{c}PGNcPyMZ\"\n"),
    };
    text.push_str(&line);
}

fn phrases_and_numbers(random: &mut Random, text: &mut String) {
    text.push_str(PHRASES[random.below(PHRASES.len())]);
    text.push_str(&random.below(10_000_000_000).to_string());
    text.push(' ');
}

fn short_words(random: &mut Random, text: &mut String) {
    let letter = char::from(b'A' + random.below(26) as u8);
    text.push(letter);
    text.push_str([" ", "1 ", "2-", " 33 ", ".4 "][random.below(5)]);
}

fn uuid(random: &mut Random, text: &mut String) {
    for length in [8, 4, 4, 4, 12] {
        for _ in 0..length {
            letters(random, text, b"0123456789abcdef");
        }
        text.push('-');
    }
    text.pop();
    text.push('\n');
}

/// What everybody asks about, and then a number of any length in groups of any length.
fn near_misses(random: &mut Random, text: &mut String) {
    text.push_str(PHRASES[random.below(PHRASES.len())]);
    for _ in 0..=random.below(5) {
        let digits = 10_usize.pow(1 + random.below(6) as u32);
        text.push_str(&random.below(digits).to_string());
        text.push_str([" ", "-", ".", "/"][random.below(4)]);
    }
}

fn settings(random: &mut Random, text: &mut String) {
    const NAMES: [&str; 6] = [
        "db_password",
        "token",
        "api-key",
        "datadogKey",
        "name",
        "host",
    ];
    text.push_str(NAMES[random.below(NAMES.len())]);
    text.push_str([" = ", ": ", "=\"", ":'"][random.below(4)]);
    for _ in 0..random.below(40) {
        letters(random, text, BASE64);
    }
    text.push_str(["\n", "\"\n", "'\n", ";"][random.below(4)]);
}

const FULL_WIDTH: &[&str] = &[
    "０", "１", "２", "３", "４", "５", "６", "７", "８", "９", " ",
];

const ENGLISH: &[&str] = &[
    "the ",
    "harbour ",
    "gate ",
    "opens ",
    "with ",
    "a ",
    "tide ",
    "that ",
    "nobody ",
    "expected ",
    "before ",
    "noon ",
    "and ",
    "every ",
    "boat ",
    "waits, ",
    "as ",
    "boats ",
    "do. ",
    "In ",
    "our ",
    "account ",
    "of ",
    "it ",
    "the ",
    "token ",
    "resistance ",
    "was ",
    "a ",
    "call ",
    "to ",
    "order, ",
    "which ",
    "the ",
    "captain's ",
    "mate ",
    "answered ",
    "from ",
    "below. ",
    "Nothing ",
    "was ",
    "said ",
    "for ",
    "days; ",
    "then ",
    "somebody ",
    "laughed.\n",
    "She ",
    "asked ",
    "whether ",
    "this ",
    "was ",
    "the ",
    "well-known ",
    "place ",
    "where ",
    "ships ",
    "turn.\n",
];

const GERMAN: &[&str] = &[
    "Über ",
    "dem ",
    "Hafen ",
    "hängt ",
    "früh ",
    "der ",
    "Nebel, ",
    "und ",
    "niemand ",
    "weiß ",
    "mehr, ",
    "wo ",
    "die ",
    "Schiffe ",
    "geblieben ",
    "sind. ",
    "Später ",
    "klärt ",
    "es ",
    "auf; ",
    "die ",
    "Möwen ",
    "schreien ",
    "zuerst.\n",
    "Öffnet ",
    "das ",
    "Tor ",
    "für ",
    "alle!\n",
];

const RUSSIAN: &[&str] = &[
    "над ",
    "гаванью ",
    "утром ",
    "стоит ",
    "туман, ",
    "и ",
    "никто ",
    "не ",
    "знает, ",
    "где ",
    "корабли. ",
    "Потом ",
    "становится ",
    "светло, ",
    "и ",
    "первыми ",
    "кричат ",
    "чайки.\n",
];

const CHINESE: &[&str] = &[
    "清晨",
    "港口",
    "上空",
    "有雾，",
    "没有人",
    "知道",
    "船",
    "在",
    "哪里。",
    "后来",
    "天",
    "亮了，",
    "海鸥",
    "先",
    "叫了",
    "起来。\n",
];

const CODE: &[&str] = &[
    "let mut total = 0;\n",
    "    for item in &self.items {\n",
    "        total += item.price * item.count;\n",
    "    }\n",
    "if (request.method === 'GET') {\n",
    "  return await this.store.load(request.id);\n",
    "}\n",
    "def token_type(self, name: str) -> bool:\n",
    "    return self.kind == \"word\" and name in self.names\n",
    "#include <stdio.h>\n",
    "static const int TABLE[] = {0x1f, 0x2e, 17, 4096, 65535};\n",
    "// The key of the map is the path, see RFC 7231 section 6.\n",
    "const version = \"1.24.3\"; // pinned\n",
    "SELECT id, name FROM boats WHERE harbour_id = $1 ORDER BY name;\n",
];

const PHRASES: &[&str] = &[
    "card ",
    "order ",
    "ssn ",
    "tax id ",
    "iban ",
    "phone ",
    "account number ",
    "passport ",
    "invoice no ",
    "cc ",
    "ip ",
    "date of birth ",
    "número de cuenta ",
    "kontonummer ",
    "карта ",
    "护照号 ",
    "routing ",
    "vat ",
    "tin ",
    "ref ",
];
