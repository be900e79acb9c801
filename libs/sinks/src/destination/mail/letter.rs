//! How incidents are written into a message: a text and an HTML part that say the same.
//!
//! Names, paths and titles come from cloud services. Nothing of them becomes a header, a tag or a line of its
//! own, and nothing turns the direction of the text around. Evidence is masked, as the incident has it.

use std::collections::HashMap;

use ports::Mail;
use ring::digest::{SHA256, digest};
use url::Url;

use crate::{Severity, Told, settings};

/// Longest text of a cloud service that is shown, in characters.
const SHOWN_CHARS_MAX: usize = 300;
/// Most incidents that a message lists; of the others it says how many they are.
const LISTED_MAX: usize = 100;

/// What is said of an incident, by the name that it is said by and where it stands in the event.
const ROWS: &[(&str, &str)] = &[
    ("Policy", "/finding_info/title"),
    ("Status", "/status"),
    ("Who", "/actor/user/email_addr"),
    ("From", "/src_endpoint/ip"),
    ("On", "/file/name"),
    ("Path", "/file/path"),
    ("Service", "/metadata/log_provider"),
    ("Event", "/metadata/event_code"),
    ("Found", "/data_security/detection_pattern"),
    ("Masked", "/data_security/pattern_match"),
    ("Said", "/comment"),
    ("Version", "/metadata/uid"),
];

pub(super) struct Letter {
    sink: String,
    to: Vec<String>,
    console: Option<Url>,
}

/// A text that is safe to stand in a line.
fn plain(text: &str) -> String {
    let quiet = |c: &char| !c.is_control() && !turns(*c);
    text.chars().filter(quiet).take(SHOWN_CHARS_MAX).collect()
}

/// Whether it turns the direction of what follows, or breaks a line.
fn turns(c: char) -> bool {
    matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}')
}

fn tagless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The left part of a `Message-ID`: letters, digits, `_` and `.`.
fn name_of(id: &str) -> String {
    let allowed = |c: char| match c {
        c if c.is_ascii_alphanumeric() || c == '_' => c,
        _ => '.',
    };
    id.chars().map(allowed).take(200).collect()
}

fn number(event: &Told) -> String {
    plain(event.text("/unmapped/number").unwrap_or("An incident"))
}

fn said(event: &Told) -> String {
    plain(event.text("/message").unwrap_or("An incident"))
}

impl Letter {
    pub(super) fn new(sink: &str, settings: &settings::Mail) -> Self {
        Letter {
            sink: sink.to_owned(),
            to: settings.to.clone(),
            console: settings.console.clone(),
        }
    }

    /// One incident.
    pub(super) fn of_one(&self, event: &Told) -> Mail {
        let grave = event.severity().title();
        let rows: Vec<(&str, String)> = ROWS
            .iter()
            .filter_map(|(name, pointer)| Some((*name, plain(event.text(pointer)?))))
            .collect();
        let (mut text, mut html) = (format!("{}\n\n", said(event)), String::new());
        html.push_str(&format!("<p><b>{}</b></p><table>", tagless(&said(event))));
        text.push_str(&format!("Severity: {grave}\n"));
        html.push_str(&row(&["Severity", grave]));
        for (name, value) in &rows {
            text.push_str(&format!("{name}: {value}\n"));
            html.push_str(&row(&[name, &tagless(value)]));
        }
        html.push_str("</table>");
        if let Some(link) = self.link(event) {
            text.push_str(&format!("\n{link}\n"));
            html.push_str(&format!("<p>{}</p>", anchor(&link, "Open it")));
        }
        let thread = event.text("/finding_info/uid").map(name_of);
        Mail {
            id: name_of(event.id()),
            subject: format!("[{}] {grave}: {}", number(event), self.title(event)),
            thread,
            ..self.mail(text, &html)
        }
    }

    /// Several, each incident once, as it stands last.
    pub(super) fn of_many(&self, events: &[Told]) -> Mail {
        let latest = latest(events);
        let counted = counted(&latest);
        let many = latest.len();
        let mut text = format!("{many} incidents: {counted}\n\n");
        let mut html = format!("<p><b>{many} incidents: {counted}</b></p><table>");
        html.push_str(&row(&["Severity", "Incident", "Status", "What", "Version"]));
        for event in latest.iter().take(LISTED_MAX) {
            let grave = event.severity().title();
            let status = plain(event.text("/status").unwrap_or("-"));
            let link = self.link(event);
            text.push_str(&format!("{grave:<13} {} ({status})\n", said(event)));
            if let Some(link) = &link {
                text.push_str(&format!("              {link}\n"));
            }
            let number = tagless(&number(event));
            let number = link.map_or(number.clone(), |link| anchor(&link, &number));
            let cells = [&status, &said(event), event.id()].map(|cell| tagless(&plain(cell)));
            html.push_str(&row(&[grave, &number, &cells[0], &cells[1], &cells[2]]));
        }
        html.push_str("</table>");
        if let Some(more) = many.checked_sub(LISTED_MAX).filter(|more| *more > 0) {
            text.push_str(&format!("\nand {more} more, in the console\n"));
            html.push_str(&format!("<p>and {more} more, in the console</p>"));
        }
        Mail {
            id: self.digest_id(events),
            subject: format!("{many} incidents: {counted}"),
            ..self.mail(text, &html)
        }
    }

    /// The same without any text of a service: numbers, how grave, and where to look.
    pub(super) fn bare(&self, whole: &Mail, events: &[Told]) -> Mail {
        let latest = latest(events);
        let counted = counted(&latest);
        let mut text =
            "The mail server refused what is said of these incidents: see the console.\n\n"
                .to_owned();
        for event in latest.iter().take(LISTED_MAX) {
            let grave = event.severity().title();
            let link = self.link(event).map(String::from).unwrap_or_default();
            text.push_str(&format!("{grave:<13} {} {link}\n", number(event)));
        }
        Mail {
            id: whole.id.clone(),
            subject: format!("{} incidents: {counted}", latest.len()),
            html: None,
            thread: whole.thread.clone(),
            ..self.mail(text, "")
        }
    }

    fn mail(&self, mut text: String, html: &str) -> Mail {
        let foot = format!("Told by the sink {} of Tidegate.", self.sink);
        text.push_str(&format!("\n{foot}\n"));
        let html = format!(
            "<!DOCTYPE html><html><body style=\"font-family:sans-serif\">{html}<p><small>{foot}</small></p></body></html>"
        );
        Mail {
            id: String::new(),
            to: self.to.clone(),
            subject: String::new(),
            body: text,
            html: Some(html),
            thread: None,
            list: Some(self.sink.clone()),
        }
    }

    fn title(&self, event: &Told) -> String {
        plain(event.text("/finding_info/title").unwrap_or("an incident"))
    }

    /// The same for the same events, however often they come.
    fn digest_id(&self, events: &[Told]) -> String {
        let ids: Vec<&str> = events.iter().map(Told::id).collect();
        let hash = digest(&SHA256, ids.join("\n").as_bytes());
        let hex: String = hash.as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{}.{hex}", name_of(&self.sink))
    }

    fn link(&self, event: &Told) -> Option<Url> {
        let id = event.text("/finding_info/uid")?;
        let mut url = self.console.clone()?;
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(["incidents", id]);
        Some(url)
    }
}

/// The last version of each incident, the gravest first.
fn latest(events: &[Told]) -> Vec<&Told> {
    let mut last: HashMap<&str, &Told> = HashMap::new();
    for event in events {
        let incident = event.text("/finding_info/uid").unwrap_or(event.id());
        last.insert(incident, event);
    }
    let mut latest: Vec<&Told> = last.into_values().collect();
    latest.sort_by_key(|event| {
        (
            std::cmp::Reverse(event.severity()),
            event.time(),
            event.id(),
        )
    });
    latest
}

/// `2 high, 10 medium`.
fn counted(events: &[&Told]) -> String {
    let all = [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Informational,
    ];
    let counts = all.into_iter().filter_map(|severity| {
        let many = events.iter().filter(|event| event.severity() == severity);
        let many = many.count();
        (many > 0).then(|| format!("{many} {}", severity.word()))
    });
    counts.collect::<Vec<_>>().join(", ")
}

fn row(cells: &[&str]) -> String {
    let cells: String = cells
        .iter()
        .map(|cell| format!("<td style=\"padding:2px 8px\">{cell}</td>"))
        .collect();
    format!("<tr>{cells}</tr>")
}

fn anchor(link: &Url, text: &str) -> String {
    format!("<a href=\"{}\">{text}</a>", tagless(link.as_str()))
}
