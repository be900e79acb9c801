//! Where each of the 24 fields comes from, over a connector's samples, and how many samples there are
//! of each event type. The service's real feed will differ: this shows what a mapping can reach.

use std::collections::BTreeMap;

use event_model::{EventType, Field, FieldSource};
use serde_json::{Value, json};

use crate::html;
use crate::samples::Sampled;

/// Words for where a value came from, in the order of the columns.
const SOURCES: [&str; 5] = ["native", "derived", "config", "enriched", "absent"];
/// Most reasons for absence that are told of one field.
const REASONS_TOLD_MAX: usize = 3;

/// How often each field was there, and from where.
#[derive(Debug, Clone)]
pub struct Coverage {
    /// The service.
    pub service: String,
    /// Activities counted.
    pub activities: usize,
    /// Samples that could not be mapped.
    pub not_mappable: usize,
    fields: Vec<Tally>,
    types: BTreeMap<EventType, usize>,
}

#[derive(Debug, Clone)]
struct Tally {
    field: Field,
    /// In the order of [`SOURCES`].
    counts: [usize; 5],
    /// Why it was absent, and how often.
    reasons: BTreeMap<String, usize>,
}

/// A field that fewer samples have than the manifest promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The field.
    pub field: Field,
    /// How many samples in a hundred have it.
    pub percent: usize,
    /// How many should.
    pub least: u8,
}

impl Coverage {
    /// Counts what the samples became.
    pub fn of(service: &str, samples: &[Sampled]) -> Self {
        let all = samples.iter().flat_map(|sampled| &sampled.mapped);
        let mut coverage = Coverage {
            service: service.to_owned(),
            activities: 0,
            not_mappable: samples
                .iter()
                .filter(|sampled| sampled.became.get("not_mappable").is_some())
                .count(),
            fields: Field::ALL.map(Tally::new).to_vec(),
            types: EventType::ALL.iter().map(|kind| (*kind, 0)).collect(),
        };
        for mapped in all {
            coverage.activities += 1;
            *coverage
                .types
                .entry(mapped.activity.event_type)
                .or_default() += 1;
            for (tally, (_, source)) in coverage.fields.iter_mut().zip(mapped.provenance.iter()) {
                tally.count(source);
            }
        }
        coverage
    }

    /// The fields that are there less often than the manifest promises.
    pub fn shortfalls(&self, promised: &[(Field, u8)]) -> Vec<Shortfall> {
        let short = promised.iter().map(|(field, least)| Shortfall {
            field: *field,
            percent: self.percent(*field),
            least: *least,
        });
        short
            .filter(|short| short.percent < usize::from(short.least))
            .collect()
    }

    /// Of how many activities in a hundred the field is there.
    pub fn percent(&self, field: Field) -> usize {
        let tally = self.fields.iter().find(|tally| tally.field == field);
        let present = tally.map_or(0, Tally::present);
        (present * 100).checked_div(self.activities).unwrap_or(0)
    }

    /// Event types of which there is no sample; `other` may have none.
    pub fn types_without_sample(&self) -> Vec<EventType> {
        let none = self.types.iter().filter(|(_, count)| **count == 0);
        none.map(|(kind, _)| *kind)
            .filter(|kind| *kind != EventType::Other)
            .collect()
    }

    /// As a table for a terminal.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{}: {} activities, {} samples not mappable\n\n",
            self.service, self.activities, self.not_mappable
        );
        out += &format!("{:<20}", "field");
        for source in SOURCES {
            out += &format!("{source:>9}");
        }
        out += "   there  why absent\n";
        for tally in &self.fields {
            out += &format!("{:<20}", tally.field.name());
            for count in tally.counts {
                let shown = if count == 0 { "." } else { &count.to_string() };
                out += &format!("{shown:>9}");
            }
            let percent = self.percent(tally.field);
            let line = format!("{percent:>7}%  {}", tally.told());
            out += line.trim_end();
            out.push('\n');
        }
        out += "\nevent_type           samples\n";
        for (kind, count) in &self.types {
            out += &format!("{:<20}{count:>8}\n", kind.word());
        }
        out
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let field = |tally: &Tally| {
            let counts = SOURCES.into_iter().zip(tally.counts);
            let counts: BTreeMap<&str, usize> = counts.collect();
            let told = json!({
                "sources": counts, "percent": self.percent(tally.field), "reasons": tally.reasons,
            });
            (tally.field.name().to_owned(), told)
        };
        let types: BTreeMap<&str, usize> = self
            .types
            .iter()
            .map(|(kind, count)| (kind.word(), *count))
            .collect();
        json!({
            "service": self.service,
            "activities": self.activities,
            "not_mappable": self.not_mappable,
            "fields": self.fields.iter().map(field).collect::<serde_json::Map<_, _>>(),
            "event_types": types,
        })
    }

    /// As one HTML page that needs nothing else.
    pub fn html(&self) -> String {
        let mut rows = String::new();
        for tally in &self.fields {
            rows += &self.html_row(tally);
        }
        let types = self.types.iter().map(|(kind, count)| {
            let mark = if *count == 0 { " class=none" } else { "" };
            format!("<tr{mark}><td>{kind}</td><td class=n>{count}</td></tr>")
        });
        let heads = SOURCES
            .map(|source| format!("<th class=n>{source}</th>"))
            .concat();
        let body = format!(
            "<p class=lead>{} activities of its samples; {} samples are not mappable, as they should be or not: see the tests.</p>\
             <table><thead><tr><th>Field</th>{heads}<th>There</th><th>Why absent</th></tr></thead><tbody>{rows}</tbody></table>\
             <h2>Event types</h2><table class=narrow><thead><tr><th>Type</th><th class=n>Samples</th></tr></thead><tbody>{}</tbody></table>",
            self.activities,
            self.not_mappable,
            types.collect::<String>(),
        );
        html::page(
            &format!("Field coverage of {}", self.service),
            "Where each of the 24 fields comes from",
            &body,
        )
    }

    fn html_row(&self, tally: &Tally) -> String {
        let total = self.activities.max(1);
        let mut bar = String::new();
        let mut cells = String::new();
        for (source, count) in SOURCES.into_iter().zip(tally.counts) {
            let none = if count == 0 { " none" } else { "" };
            cells += &format!("<td class=\"n{none}\">{count}</td>");
            let share = count * 100 / total;
            if share > 0 && source != "absent" {
                bar += &format!("<i class={source} style=\"width:{share}%\"></i>");
            }
        }
        format!(
            "<tr><td><code>{}</code></td>{cells}<td><span class=bar>{bar}</span>{}%</td><td class=why>{}</td></tr>",
            tally.field.name(),
            self.percent(tally.field),
            html::escaped(&tally.told()),
        )
    }
}

impl Tally {
    fn new(field: Field) -> Self {
        Tally {
            field,
            counts: [0; 5],
            reasons: BTreeMap::new(),
        }
    }

    fn count(&mut self, source: &FieldSource) {
        let column = match source {
            FieldSource::Native => 0,
            FieldSource::Derived => 1,
            FieldSource::Config => 2,
            FieldSource::Enriched => 3,
            FieldSource::Absent(reason) => {
                *self.reasons.entry(reason.to_string()).or_default() += 1;
                4
            }
        };
        self.counts[column] += 1;
    }

    fn present(&self) -> usize {
        self.counts[..4].iter().sum()
    }

    /// The reasons that are most often given, but the one that says nothing.
    fn told(&self) -> String {
        let mut reasons: Vec<(&String, &usize)> = self.reasons.iter().collect();
        reasons.retain(|(reason, _)| *reason != "not in the event");
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        reasons.truncate(REASONS_TOLD_MAX);
        let told: Vec<&str> = reasons.iter().map(|(reason, _)| reason.as_str()).collect();
        told.join("; ")
    }
}
