//! How an event is written for its receiver: one line, whatever a cloud service put into its names.

mod cef;
mod leef;

use serde::Deserialize;

use crate::Told;

/// A written form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The OCSF event as JSON, the whole of it.
    #[default]
    Ocsf,
    /// ArcSight's Common Event Format, version 0.
    Cef,
    /// QRadar's Log Event Extended Format, version 2.0.
    Leef,
}

impl Format {
    /// The event in one line, without its end.
    pub fn line(self, told: &Told) -> String {
        match self {
            // JSON has its control characters escaped.
            Format::Ocsf => String::from_utf8_lossy(told.json()).into_owned(),
            Format::Cef => cef::line(told),
            Format::Leef => leef::line(told),
        }
    }
}

/// What the event is called: the policy of an incident, or what the service calls an activity.
fn title(told: &Told) -> &str {
    let title = ["/finding_info/title", "/metadata/event_code", "/class_name"];
    let title = title.into_iter().find_map(|pointer| told.text(pointer));
    title.unwrap_or("Incident")
}

/// What kind of event it is: the policy's id, or the class.
fn signature(told: &Told) -> String {
    let policy = told.text("/finding_info/analytic/uid").map(str::to_owned);
    let class = || told.number("/type_uid").map(|class| class.to_string());
    policy.or_else(class).unwrap_or_else(|| "tidegate".into())
}

/// A key of the written form, and where its value is in the event.
type Row = (&'static str, &'static str);

/// The values that are there.
fn present<'a>(told: &'a Told, rows: &'a [Row]) -> impl Iterator<Item = (&'static str, &'a str)> {
    rows.iter()
        .filter_map(|(key, pointer)| Some((*key, told.text(pointer)?)))
}
