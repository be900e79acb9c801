//! `tidegate dead-letter`: what was set aside, and taking it in again.
//!
//! It opens the store and the log itself. An embedded log is of one process: stop the platform for it.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use event_model::{ConnectionId, DeadLetter, DeadLetterReason, rfc3339};
use intake::Intake;
use ports::Log;
use serde_json::json;

use super::{Settings, Stream};
use crate::dead_letters::{self, Entry, Filter, LetterId, Outcome, Replay};
use crate::output::counted;
use crate::say;
use crate::wiring::{Adapters, catalogue};

/// How often a long replay says how far it is.
const PROGRESS_EVERY: usize = 100;

/// `tidegate dead-letter …`
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// List what was set aside and not replayed yet.
    List {
        #[command(flatten)]
        which: Which,
        /// Those that were replayed, too.
        #[arg(long)]
        all: bool,
        /// One JSON document a line instead of words.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Show one with its bytes as they came.
    Show {
        /// Which, as `list` shows it.
        #[arg(value_name = "LETTER")]
        id: LetterId,
        /// Only the bytes, exactly.
        #[arg(long)]
        raw: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Take some in again, by their connection's mapping as it is now.
    Replay {
        /// Which, as `list` shows them.
        #[arg(value_name = "LETTER", required_unless_present_any = ["all", "connection", "reason"])]
        ids: Vec<LetterId>,
        /// All that were not replayed yet.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        settings: Settings,
    },
}

/// Filters.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Of this connection.
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<ConnectionId>,
    /// Set aside for this reason: not_json, too_deep, not_mappable, unreadable.
    #[arg(long, value_name = "REASON", value_parser = reason)]
    reason: Option<DeadLetterReason>,
}

fn reason(word: &str) -> Result<DeadLetterReason, String> {
    DeadLetterReason::from_word(word)
        .ok_or_else(|| "the reasons are not_json, too_deep, not_mappable, unreadable".to_owned())
}

impl DeadLetters {
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::runtime()?.block_on(async {
            match self {
                DeadLetters::List {
                    which,
                    all,
                    json,
                    settings,
                } => {
                    let filter = Filter {
                        connection: which.connection,
                        reason: which.reason,
                        replayed_too: all,
                        ..Filter::default()
                    };
                    let adapters = Adapters::open(&settings.load()?).await?;
                    list(adapters.log.as_ref(), &filter, json).await
                }
                DeadLetters::Show { id, raw, settings } => {
                    let adapters = Adapters::open(&settings.load()?).await?;
                    let letter = dead_letters::find(adapters.log.as_ref(), id).await?;
                    show(
                        &letter.with_context(|| format!("there is no letter {id}"))?,
                        raw,
                    )
                }
                DeadLetters::Replay {
                    ids,
                    which,
                    settings,
                    ..
                } => {
                    let filter = Filter {
                        // One that is named is replayed even if it was before.
                        replayed_too: !ids.is_empty(),
                        ids,
                        connection: which.connection,
                        reason: which.reason,
                    };
                    replay(&settings, &filter).await
                }
            }
        })
    }
}

async fn list(log: &dyn Log, filter: &Filter, json: bool) -> anyhow::Result<()> {
    let entries = dead_letters::list(log, filter).await?;
    for entry in &entries {
        say(
            &if json { as_json(entry) } else { as_line(entry) },
            Stream::Out,
        );
    }
    if !json {
        say(&counted(entries.len(), "letter"), Stream::Error);
    }
    Ok(())
}

fn as_json(entry: &Entry) -> String {
    json!({
        "id": entry.id.to_string(),
        "connection_id": entry.connection_id,
        "received_at": rfc3339(entry.received_at),
        "arrival": entry.arrival,
        "reason": entry.reason.word(),
        "detail": entry.detail,
        "bytes": entry.bytes,
        "replayed_at": entry.replayed_at.map(rfc3339),
    })
    .to_string()
}

fn as_line(entry: &Entry) -> String {
    let state = match entry.replayed_at {
        Some(at) => format!("replayed {}", rfc3339(at)),
        None => "waiting".to_owned(),
    };
    format!(
        "{:<8} {}  {}  {:<4}  {:<12}  {:>8} bytes  {state}  {}",
        entry.id.to_string(),
        rfc3339(entry.received_at),
        entry.connection_id,
        entry.arrival,
        entry.reason.word(),
        entry.bytes,
        visible(&entry.detail),
    )
}

/// Without control characters: services write what they like.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

fn show(letter: &DeadLetter, raw: bool) -> anyhow::Result<()> {
    let body = dead_letters::body(letter)?;
    if raw {
        std::io::stdout().lock().write_all(&body)?;
        return Ok(());
    }
    let what = if letter.whole {
        "a whole delivery"
    } else {
        "one event"
    };
    for (name, value) in [
        ("connection", letter.connection_id.to_string()),
        ("received", rfc3339(letter.received_at)),
        ("arrival", letter.arrival.word().to_owned()),
        ("reason", letter.reason.word().to_owned()),
        ("detail", visible(&letter.detail)),
        ("holds", format!("{what}, {} bytes", body.len())),
    ] {
        say(&format!("{name:<11}{value}"), Stream::Out);
    }
    say(
        &format!("\n{}", visible(&String::from_utf8_lossy(&body))),
        Stream::Out,
    );
    Ok(())
}

async fn replay(settings: &Settings, filter: &Filter) -> anyhow::Result<()> {
    let config = settings.load()?;
    let catalogue = Arc::new(catalogue(&config)?);
    let adapters = Adapters::open(&config).await?;
    let entries = dead_letters::list(adapters.log.as_ref(), filter).await?;
    let chosen: HashSet<LetterId> = entries.iter().map(|entry| entry.id).collect();
    if let Some(id) = filter.ids.iter().find(|id| !chosen.contains(id)) {
        bail!("there is no letter {id}");
    }
    let replay = Replay {
        intake: Intake::new(
            adapters.log.clone(),
            Arc::clone(&adapters.entropy),
            Arc::clone(&adapters.metrics),
        ),
        log: Arc::clone(&adapters.log),
        connections: adapters.store.clone(),
        catalogue,
        clock: Arc::clone(&adapters.clock),
    };
    let (mut seen, mut taken, mut activities) = (0, 0, 0);
    let done = replay
        .run(&chosen, |id, outcome| {
            seen += 1;
            match outcome {
                Outcome::Taken { activities: count } => {
                    taken += 1;
                    activities += count;
                }
                Outcome::Stays(why) => {
                    say(&format!("{id} stays: {}", visible(why)), Stream::Error);
                }
            }
            if seen % PROGRESS_EVERY == 0 {
                say(&format!("{seen} of {}", chosen.len()), Stream::Error);
            }
        })
        .await;
    say(
        &format!(
            "{} replayed as {activities} activities, {} stay",
            counted(taken, "letter"),
            chosen.len() - taken
        ),
        Stream::Out,
    );
    done.context(
        "the replay was interrupted: what was replayed is marked, run it again for the rest",
    )
}
