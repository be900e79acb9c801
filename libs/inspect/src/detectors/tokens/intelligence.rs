//! Keys to models and to what is built around them.

use super::{alnum, hex, lower, token, url_safe};
use crate::detect::Detector;
use crate::detectors::token::is_base64;

pub(crate) static TOKENS: &[Detector] = &[
    token("deepseek-key", "DeepSeek key", &["sk-"], hex, (32, 32)),
    token(
        "together-key",
        "Together AI key",
        &["tgp_v1_"],
        url_safe,
        (43, 43),
    ),
    token("fireworks-key", "Fireworks key", &["fw_"], alnum, (22, 24)),
    token(
        "anyscale-key",
        "Anyscale key",
        &["esecret_"],
        alnum,
        (26, 48),
    ),
    token("cerebras-key", "Cerebras key", &["csk-"], lower, (48, 48)),
    token("voyage-key", "Voyage AI key", &["pa-"], url_safe, (43, 43)),
    token("jina-key", "Jina AI key", &["jina_"], url_safe, (56, 64)),
    token("runpod-key", "RunPod key", &["rpa_"], alnum, (40, 52)),
    token(
        "modal-token",
        "Modal token",
        &["ak-", "as-"],
        alnum,
        (22, 22),
    ),
    token(
        "wandb-key",
        "Weights & Biases key",
        &["wandb_v1_"],
        url_safe,
        (60, 100),
    ),
    token("firecrawl-key", "Firecrawl key", &["fc-"], hex, (32, 32)),
    token("e2b-key", "E2B key", &["e2b_"], hex, (40, 40)),
    token(
        "browserbase-key",
        "Browserbase key",
        &["bb_live_"],
        url_safe,
        (26, 30),
    ),
    token("mem0-key", "Mem0 key", &["m0-"], alnum, (40, 40)),
    token(
        "cursor-key",
        "Cursor key",
        &["key_", "crsr_"],
        hex,
        (64, 64),
    ),
    token(
        "helicone-key",
        "Helicone key",
        &["sk-helicone-"],
        url_safe,
        (26, 44),
    ),
    token("lakera-key", "Lakera key", &["lak_"], hex, (64, 64)),
    token(
        "braintrust-key",
        "Braintrust key",
        &["sk-bt-"],
        alnum,
        (40, 64),
    ),
    token(
        "inflection-key",
        "Requesty key",
        &["sk-rq-"],
        is_base64,
        (40, 100),
    ),
];
