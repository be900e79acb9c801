//! The report for people: a table for a terminal, and one page to hand on.

use super::{Evidence, Outcome, Report, Row};
use crate::html::{escaped, page};

impl Report {
    /// As a table for a terminal. `verbose` adds the calls.
    pub fn text(&self, verbose: bool) -> String {
        let mut out = format!("{} ({})\n", self.service, self.connector);
        for (name, value) in self.particulars() {
            out += &format!("  {name}: {value}\n");
        }
        out.push('\n');
        for row in &self.rows {
            out += &format!("{:<13} {:<4} {}\n", row.outcome.words(), row.id, row.title);
            out += &format!("{:18} {}\n", "", row.why);
            for call in row.evidence.iter().filter(|_| verbose) {
                out += &format!("{:20} {} -> {}\n", "", call.request, call.status);
                if !call.excerpt.is_empty() {
                    out += &format!("{:22} {}\n", "", call.excerpt);
                }
            }
        }
        let counts = Outcome::ALL.map(|outcome| {
            let count = self.count(outcome);
            format!("{count} {}", outcome.words())
        });
        out + "\n" + &counts.join(", ") + "\n"
    }

    /// As one HTML page that needs nothing else.
    pub fn html(&self) -> String {
        let mut body = String::from("<ul class=sum>");
        for outcome in Outcome::ALL {
            let (class, words) = (outcome.class(), outcome.words());
            let count = self.count(outcome);
            body += &format!("<li class={class}><b>{count}</b> {words}</li>");
        }
        body += "</ul><dl>";
        for (name, value) in self.particulars() {
            body += &format!("<dt>{name}</dt><dd>{}</dd>", escaped(&value));
        }
        body += "</dl><h2>Prerequisites</h2>";
        body.extend(self.rows.iter().map(html_row));
        let title = format!("{}: conformance", self.service);
        page(&title, "Prerequisites of a connected service", &body)
    }

    fn particulars(&self) -> Vec<(&'static str, String)> {
        let actions = match self.destructive {
            true => "tried, and undone",
            false => {
                "not tried: nothing was changed in the service but a webhook, which was taken away again"
            }
        };
        let mut all = vec![("Connector", self.connector.clone())];
        all.extend(self.base_url.clone().map(|url| ("Address", url)));
        all.extend(self.tenant_id.clone().map(|id| ("Tenant", id)));
        all.push(("Grant", self.grant.clone()));
        all.push(("Actions", actions.to_owned()));
        let at = self.made_at.format("%Y-%m-%d %H:%M UTC");
        all.push(("Made", at.to_string()));
        all
    }
}

impl Outcome {
    const ALL: [Outcome; 3] = [Outcome::Met, Outcome::NotMet, Outcome::NotTestable];

    fn class(self) -> &'static str {
        match self {
            Outcome::Met => "met",
            Outcome::NotMet => "not-met",
            Outcome::NotTestable => "not-testable",
        }
    }
}

fn html_row(row: &Row) -> String {
    let calls: String = row.evidence.iter().map(html_call).collect();
    let evidence = match row.evidence.len() {
        0 => String::new(),
        1 => format!("<details><summary>Evidence: 1 call</summary>{calls}</details>"),
        count => format!("<details><summary>Evidence: {count} calls</summary>{calls}</details>"),
    };
    format!(
        "<section class=row><span class=id>{}</span><div><h3>{}</h3><p>{}</p><p class=what>{}</p>{evidence}</div><span class=\"badge {}\">{}</span></section>",
        row.id,
        escaped(row.title),
        escaped(row.asks),
        escaped(&row.why),
        row.outcome.class(),
        row.outcome.words(),
    )
}

fn html_call(call: &Evidence) -> String {
    let excerpt = match call.excerpt.is_empty() {
        true => String::new(),
        false => format!("<pre>{}</pre>", escaped(&call.excerpt)),
    };
    format!(
        "<div class=call><span class=status>{}</span><code>{}</code>{excerpt}</div>",
        call.status,
        escaped(&call.request),
    )
}
