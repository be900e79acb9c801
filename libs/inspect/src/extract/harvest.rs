//! What one extraction has gathered so far and what it may still spend. Every format goes through
//! here, so the bounds hold over everything nested in an object together.

use crate::{Coverage, Extraction, Field, FileKind, Limits, Picture, Place, Reason, Segment};

/// Distinct reasons kept.
const REASONS_MAX: usize = 32;
/// Properties kept, and characters of each.
const METADATA_MAX: usize = 256;
const METADATA_CHARS_MAX: usize = 1_000;
/// Properties that are labels have room of their own: no other may crowd them out.
const LABELS_MAX: usize = 256;
const LABEL_CHARS_MAX: usize = 8_000;
const LABELS_BEGIN: [&str; 3] = ["msip_label", "mip-label:", "macros"];
/// Pieces of text kept.
const SEGMENTS_MAX: usize = 100_000;
/// Below this a member may grow by any ratio.
const RATIO_FROM_BYTES: usize = 10 << 20;

pub(crate) struct Harvest<'l> {
    pub(crate) limits: &'l Limits,
    text: Vec<Segment>,
    metadata: Vec<(String, String)>,
    /// How many of the properties are labels, and how many are not.
    labels: usize,
    others: usize,
    reasons: Vec<Reason>,
    text_bytes: usize,
    expanded_bytes: usize,
    members: usize,
    pages: usize,
    work: u64,
    pub(super) pictures: Vec<Picture>,
    pub(super) pictures_bytes: usize,
}

impl<'l> Harvest<'l> {
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            text: Vec::new(),
            metadata: Vec::new(),
            labels: 0,
            others: 0,
            reasons: Vec::new(),
            text_bytes: 0,
            expanded_bytes: 0,
            members: 0,
            pages: 0,
            work: 0,
            pictures: Vec::new(),
            pictures_bytes: 0,
        }
    }

    pub(crate) fn into_extraction(self, kind: FileKind) -> Extraction {
        let with_text = !self.text.is_empty();
        let Self {
            text,
            metadata,
            reasons,
            ..
        } = self;
        Extraction {
            kind,
            text,
            coverage: Coverage::of(reasons, with_text),
            metadata,
        }
    }

    pub(crate) fn push(&mut self, place: Place, text: impl Into<String>) {
        self.push_fields(place, text.into(), Vec::new());
    }

    /// Keeps `text`, cut to what is left of `text_bytes_max`. Blank text is not kept.
    pub(crate) fn push_fields(&mut self, place: Place, mut text: String, mut fields: Vec<Field>) {
        let left = self.text_bytes_left();
        if text.len() > left {
            let mut cut = left;
            while !text.is_char_boundary(cut) {
                cut -= 1;
            }
            text.truncate(cut);
            fields.retain(|field| field.end <= cut);
            self.limit("text_bytes_max");
        }
        if text.trim().is_empty() {
            return;
        }
        if self.text.len() >= SEGMENTS_MAX {
            return self.limit("segments_max");
        }
        self.text_bytes += text.len();
        self.text.push(Segment {
            place,
            text,
            fields,
        });
    }

    pub(crate) fn text_bytes_left(&self) -> usize {
        self.limits.text_bytes_max.saturating_sub(self.text_bytes)
    }

    /// How many segments there are: a mark to tell later whether a part gave any text.
    pub(crate) fn segments(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn property(&mut self, name: &str, value: &str) {
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || value.is_empty() {
            return;
        }
        let is_label = LABELS_BEGIN.iter().any(|begin| {
            name.get(..begin.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(begin))
        });
        let (kept, most, chars_max) = if is_label {
            (&mut self.labels, LABELS_MAX, LABEL_CHARS_MAX)
        } else {
            (&mut self.others, METADATA_MAX, METADATA_CHARS_MAX)
        };
        if *kept >= most {
            return;
        }
        *kept += 1;
        let cut = |text: &str, chars_max: usize| text.chars().take(chars_max).collect();
        self.metadata
            .push((cut(name, METADATA_CHARS_MAX), cut(value, chars_max)));
    }

    pub(crate) fn note(&mut self, reason: Reason) {
        if self.reasons.len() < REASONS_MAX && !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    pub(crate) fn limit(&mut self, name: &str) {
        self.note(Reason::Limit {
            name: name.to_owned(),
        });
    }

    pub(crate) fn malformed(&mut self, what: &str) {
        self.note(Reason::Malformed {
            what: what.to_owned(),
        });
    }

    pub(crate) fn unsupported(&mut self, kind: &str) {
        self.note(Reason::Unsupported {
            kind: kind.to_owned(),
        });
    }

    /// Spends `units` of work; false, with the reason noted, when there are none left.
    pub(crate) fn work(&mut self, units: u64) -> bool {
        self.work = self.work.saturating_add(units);
        let within = self.work <= self.limits.work_max;
        if !within {
            self.limit("work_max");
        }
        within
    }

    pub(crate) fn member(&mut self) -> bool {
        self.members += 1;
        let within = self.members <= self.limits.members_max;
        if !within {
            self.limit("members_max");
        }
        within
    }

    pub(crate) fn page(&mut self) -> bool {
        self.pages += 1;
        let within = self.pages <= self.limits.pages_max;
        if !within {
            self.limit("pages_max");
        }
        within
    }

    /// Bytes that decompressing `compressed` bytes may still produce.
    pub(crate) fn expansion_left(&self, compressed: usize) -> usize {
        let by_ratio = compressed
            .saturating_mul(self.limits.ratio_max)
            .max(RATIO_FROM_BYTES);
        by_ratio.min(
            self.limits
                .expanded_bytes_max
                .saturating_sub(self.expanded_bytes),
        )
    }

    /// Accounts for `bytes` that decompression produced.
    pub(crate) fn expanded(&mut self, bytes: usize) {
        self.expanded_bytes = self.expanded_bytes.saturating_add(bytes);
    }

    /// Notes which bound stopped a decompression of `compressed` bytes.
    pub(crate) fn expansion_refused(&mut self, compressed: usize) {
        let left = self
            .limits
            .expanded_bytes_max
            .saturating_sub(self.expanded_bytes);
        let by_ratio = self.expansion_left(compressed) < left;
        self.limit(if by_ratio {
            "ratio_max"
        } else {
            "expanded_bytes_max"
        });
    }
}
