//! Conformance: asks a live service, with real credentials, for what Tidegate needs of one, and says
//! row by row what it meets, what it does not, and what could not be tried, with evidence.
//!
//! The rows are the prerequisites of CASB Connect, S2 to S22. Nothing is changed in the service unless
//! that was asked for; what is made is taken away again. Evidence holds no token, no address of a
//! person and no content: see [`Evidence`].

mod actions;
mod evidence;
mod listener;
mod probe;
mod report;
mod rows;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use connector::{Connector, ServiceClient};
use event_model::{Connection, Secret};
use ports::{Clock, Entropy};
use serde::Serialize;

pub use evidence::{Evidence, Heard};
pub use listener::{CALLBACK_PATH, Consented, Listener, ListenerError, WEBHOOK_PATH};

/// How a row came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The service was seen to do it.
    Met,
    /// The service does not do it, or did it wrong.
    NotMet,
    /// It could not be tried here and now.
    NotTestable,
}

impl Outcome {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Outcome::Met => "met",
            Outcome::NotMet => "not met",
            Outcome::NotTestable => "not testable",
        }
    }
}

/// One prerequisite, and how it came out.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// `S2` to `S22`.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// What is asked of the service.
    pub asks: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// Why, in a sentence or two.
    pub why: String,
    /// The calls that show it.
    pub evidence: Vec<Evidence>,
}

/// What was found out about a service.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The service's name.
    pub service: String,
    /// The connector's id.
    pub connector: String,
    /// Where the service is; absent when it is at one place for all.
    pub base_url: Option<String>,
    /// The tenant that was asked.
    pub tenant_id: Option<String>,
    /// How the grant was come by.
    pub grant: String,
    /// Whether actions were tried.
    pub destructive: bool,
    /// When.
    pub made_at: DateTime<Utc>,
    /// The rows, in order.
    pub rows: Vec<Row>,
}

impl Report {
    /// How many rows came out so.
    pub fn count(&self, outcome: Outcome) -> usize {
        let of_it = self.rows.iter().filter(|row| row.outcome == outcome);
        of_it.count()
    }

    /// The row of that id.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }
}

/// What may be done to find out.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether actions are tried: on an object that the manifest's `tests.make` makes, or on `object`.
    pub destructive: bool,
    /// The service's id of an object that actions may be tried on, and its type.
    pub object: Option<(String, String)>,
    /// How long a delivery is waited for.
    pub delivery_patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            destructive: false,
            object: None,
            delivery_patience: Duration::from_secs(15),
        }
    }
}

/// How the grant was come by.
#[derive(Debug, Clone, Default)]
pub struct Granted {
    /// In a sentence.
    pub how: String,
    /// Whether a person agreed on the service's consent page.
    pub by_consent: bool,
    /// The calls that it took.
    pub evidence: Vec<Evidence>,
}

/// What is tested: a service, as one connection to it reaches it.
pub struct Subject {
    /// The service's connector.
    pub connector: Arc<Connector>,
    /// The connection.
    pub connection: Connection,
    /// Calls the service for it. Its egress must tell [`Heard`].
    pub client: ServiceClient,
    /// How the grant was come by.
    pub granted: Granted,
    /// What the calls were.
    pub heard: Arc<Heard>,
    /// Where deliveries arrive; without it push is not tried.
    pub listener: Option<Listener>,
    /// What proves deliveries where the service signs them with it.
    pub client_secret: Option<Secret<String>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for the names and secrets of webhooks.
    pub entropy: Arc<dyn Entropy>,
}

impl Subject {
    /// Tries everything that may be tried, once, and writes down how each row came out.
    pub async fn conform(&self, options: &Options) -> Report {
        let facts = probe::gather(self, options).await;
        Report {
            service: self.connector.describe().name,
            connector: self.connector.id().to_owned(),
            base_url: self.connection.base_url.clone(),
            tenant_id: facts.tenant_id.clone(),
            grant: self.granted.how.clone(),
            destructive: options.destructive,
            made_at: self.clock.now(),
            rows: rows::judge(&self.connector, &self.granted, options, &facts),
        }
    }
}
