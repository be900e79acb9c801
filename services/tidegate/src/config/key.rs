//! Every key of the configuration, once: its name, its sentence, its default.

/// One key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name in the file; in the environment `TIDEGATE_` and the name in capitals.
    pub name: &'static str,
    /// What it sets, in a sentence.
    pub help: &'static str,
    /// Its default, as it would be written; empty when it has none.
    pub default: &'static str,
    /// Whether its value must not be shown: then `TIDEGATE_…_FILE` can name a file that holds it.
    pub secret: bool,
}

const fn key(name: &'static str, default: &'static str, help: &'static str) -> Key {
    Key {
        name,
        help,
        default,
        secret: false,
    }
}

/// Every key.
pub const KEYS: &[Key] = &[
    key(
        "listen",
        "127.0.0.1:8080",
        "Address and port of the one listener.",
    ),
    key(
        "public_url",
        "",
        "Where services and browsers reach this installation: webhooks and the OAuth redirect are made from it. Without it, http and the listener's address.",
    ),
    key("data", "./data", "Folder of everything that is kept."),
    Key {
        secret: true,
        ..key(
            "store",
            "sqlite:./data/tidegate.db",
            "The store: sqlite:FILE for one process, postgres://user:password@host[:port]/database for many; `?sslmode=verify-full` for TLS with a checked certificate, `&sslrootcert=FILE` for an authority of your own.",
        )
    },
    key(
        "log",
        "embedded:./data/log",
        "The activity log: embedded:FOLDER, or kafka://HOST:PORT,HOST:PORT with some of the brokers.",
    ),
    key(
        "kafka_security",
        "plaintext",
        "The way to the brokers: plaintext or tls.",
    ),
    key(
        "kafka_ca_file",
        "",
        "PEM file of the authorities that may sign the brokers' certificates. Without it, the system's.",
    ),
    key(
        "kafka_user",
        "",
        "Who Tidegate is to the brokers (SASL). Without it, nobody in particular.",
    ),
    Key {
        secret: true,
        ..key("kafka_password", "", "The user's password.")
    },
    key(
        "kafka_mechanism",
        "scram-sha-512",
        "How the password is shown: scram-sha-512, scram-sha-256, or plain, which needs tls to be safe.",
    ),
    key(
        "kafka_prefix",
        "",
        "Before every topic and group, so that several installations can share a cluster.",
    ),
    key(
        "kafka_partitions",
        "12",
        "Partitions of a topic that is made: as many evaluators can share the work. What exists keeps what it has.",
    ),
    key(
        "kafka_replication",
        "",
        "Copies of each partition of a topic that is made. Without it three, or one per broker when there are fewer.",
    ),
    key(
        "kafka_retention_days",
        "7",
        "How long a topic that is made keeps its records, in days.",
    ),
    key(
        "keys_file",
        "./data/keys",
        "The keys that seal tokens and secrets, one `id:base64` a line, the current one first. Made at the first start. Keep a copy elsewhere.",
    ),
    key(
        "vault",
        "file:./data/vault",
        "Where content is held encrypted: file:FOLDER, or s3://BUCKET/PREFIX of a storage that speaks S3 and knows conditional writes.",
    ),
    key(
        "vault_s3_endpoint",
        "",
        "Address of the storage that speaks S3. Without it, Amazon's.",
    ),
    key("vault_s3_region", "us-east-1", "Region of the bucket."),
    key("vault_s3_access_key", "", "Access key for the bucket."),
    Key {
        secret: true,
        ..key("vault_s3_secret_key", "", "Secret of the access key.")
    },
    key(
        "vault_key",
        "file:./data/vault-keys",
        "Who wraps the keys of the vault's items: file:FILE, made at the first use (keep a copy elsewhere), or a key of the transit engine of HashiCorp Vault or OpenBao, transit:https://HOST:8200/MOUNT/KEY.",
    ),
    Key {
        secret: true,
        ..key(
            "vault_keys",
            "",
            "The wrapping keys themselves, instead of a file: one `id:base64` a line, the newest first.",
        )
    },
    Key {
        secret: true,
        ..key(
            "vault_key_token",
            "",
            "Token for the transit engine: encrypt and decrypt with the key, and read it.",
        )
    },
    key(
        "vault_key_namespace",
        "",
        "Namespace of the transit engine, where there are any.",
    ),
    key(
        "vault_key_former",
        "",
        "Who wrapped keys before, written as `vault_key`: until `tidegate vault rotate` has wrapped all of them anew.",
    ),
    key(
        "vault_retention_days",
        "0",
        "How long an item of the vault is kept at least, in days: nobody deletes it before.",
    ),
    key(
        "vault_tombstone",
        "",
        "What is left in a service where an object was that the vault has now: a text with {policy}, {incident}, {contact} and {name} in it, or none, which leaves nothing. Without it, a sentence that says so. A policy may say otherwise.",
    ),
    key(
        "vault_tombstone_contact",
        "your administrator",
        "Whom to ask, in that text.",
    ),
    Key {
        secret: true,
        ..key(
            "admin_token",
            "",
            "The administrator's token, at least 32 characters. Without it, one is made at the first start, in DATA/admin-token.",
        )
    },
    key(
        "inspect_workers",
        "",
        "Processes that inspect content for the evaluator, each confined: it may open no file, no connection and no process. Without it, one per processor, up to 6. 0 inspects within the evaluator's own process, which a hostile document may then end.",
    ),
    key(
        "inspect_memory_mb",
        "1024",
        "Most memory of one of these processes, in MiB of address space. A document that needs more is a blind spot.",
    ),
    key(
        "inspect_seconds",
        "30",
        "Longest that inspecting one content may take. A document that needs longer is a blind spot.",
    ),
    key(
        "inspect_ocr",
        "auto",
        "Whether what is written in pictures and scans is read: auto reads it when `inspect_ocr_program` is installed, off never. Pictures that are not read are blind spots. Needs `inspect_workers`.",
    ),
    key(
        "inspect_ocr_program",
        "tesseract",
        "The program that reads pictures, by name or path: tesseract 4 or later.",
    ),
    key(
        "inspect_ocr_languages",
        "eng",
        "Languages that it reads, separated by commas, as it calls them: eng,deu,fra. Each takes time, and must be installed.",
    ),
    key(
        "inspect_ocr_seconds",
        "60",
        "Longest that reading all pictures of one content may take. Those that are left are blind spots.",
    ),
    key(
        "drain_seconds",
        "0",
        "How long to go on serving after the signal to stop, while /readyz says that the process leaves: for load balancers.",
    ),
    key(
        "activity_days",
        "365",
        "How long recorded activity is kept, in days. Incidents keep what they are about.",
    ),
    Key {
        secret: true,
        ..key(
            "smtp_url",
            "",
            "The mail server: smtp://[user:password@]host[:port] (STARTTLS when offered, and always with a password), smtps:// for TLS from the start. Without it, no e-mail is sent.",
        )
    },
    key(
        "smtp_ca_file",
        "",
        "The only authorities that are believed about the mail server (PEM). Without it, the machine's are.",
    ),
    key(
        "mail_from",
        "Tidegate <tidegate@localhost>",
        "Sender of e-mail.",
    ),
    key(
        "sinks_file",
        "",
        "Where incidents are handed on to, a SIEM or a chat: a file as docs/sinks.md has it.",
    ),
    key(
        "connectors_dir",
        "",
        "Folder with more connectors: FOLDER/<service>/connector.yaml.",
    ),
    key(
        "sign_on_file",
        "",
        "Single sign-on at a provider of identities by OpenID Connect: a file as docs/identity.md has it. Needs `public_url`.",
    ),
    key(
        "second_factor_roles",
        "",
        "Who has one of these roles signs in with a second factor: administrator, analyst, reviewer, auditor, separated by commas.",
    ),
    key(
        "trusted_proxies",
        "",
        "Proxies before Tidegate whose `X-Forwarded-For` is believed: addresses and networks like 10.0.0.0/8, separated by commas. Without them, who connects is who asks.",
    ),
    key(
        "labels_file",
        "",
        "Settings of classification labels (TOML, docs/labels.md): which keys sign manifests, whom to believe, what detectors stand for. Without it, unsigned manifests are taken.",
    ),
    key(
        "geoip_database",
        "",
        "Database of countries by IP address, a file in MaxMind's format: `_request.remoteCountryCode` reads it. Read again when it changes. Without it no country is known.",
    ),
    key(
        "service_endpoints",
        "",
        "Origins of cloud services that are called at another address, a gateway or a stand-in: `https://api.example.com=http://127.0.0.1:9000/prefix`, separated by commas.",
    ),
    key(
        "otlp_endpoint",
        "",
        "Collector of OpenTelemetry that takes OTLP over HTTP, as http://127.0.0.1:4318: each activity's journey from delivery to effect is sent there as one trace.",
    ),
    Key {
        secret: true,
        ..key(
            "otlp_headers",
            "",
            "Headers that the collector asks for: `authorization=Bearer x`, separated by commas.",
        )
    },
    key(
        "otlp_ratio",
        "1",
        "Share of the journeys that is traced, from 0 to 1.",
    ),
    key(
        "log_filter",
        "info",
        "Which log lines are written: a level, or `info,connector=debug`.",
    ),
    key("log_format", "text", "How log lines look: text or json."),
];

/// The default configuration file, every key commented out.
pub fn default_file() -> String {
    let mut file = String::from(
        "# Tidegate's configuration. A key that is left out has the default shown here.\n\
         # Each can also be set by the environment: TIDEGATE_ and the key in capitals.\n",
    );
    for key in KEYS {
        file.push_str(&format!("\n# {}\n", key.help));
        if key.secret {
            let capitals = key.name.to_uppercase();
            file.push_str(&format!(
                "# A secret: TIDEGATE_{capitals}_FILE can name a file that holds it.\n"
            ));
        }
        match key.default {
            "" => file.push_str(&format!("# {} = \"\"    # none when left out\n", key.name)),
            default => file.push_str(&format!("# {} = \"{default}\"\n", key.name)),
        }
    }
    file
}
