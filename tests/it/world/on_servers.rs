//! The same stories on a real Postgres and a real Kafka: each world with a database and topics of its own.
//!
//! What a story says must not depend on where the state is. Those that stand in the list below run twice:
//! on the embedded store and log, where they are written, and here.

use std::cell::Cell;
use std::path::Path;

use ports::contract::servers::{fresh_name, server};
use ports::{Entropy, SystemEntropy};
use reqwest::Url;
use sealing::Sealer;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tidegate::config::Given;

thread_local! {
    /// Whether the worlds of this thread, which is of one test, are on servers.
    static CHOSEN: Cell<bool> = const { Cell::new(false) };
}

/// A world's own database and topics.
pub(super) struct OnServers {
    admin: String,
    name: String,
}

impl OnServers {
    /// None where the story is told on the embedded store and log.
    pub(super) async fn if_chosen() -> Option<Self> {
        if !CHOSEN.get() {
            return None;
        }
        let of_world = OnServers {
            admin: server("TIDEGATE_TEST_POSTGRES").unwrap(),
            name: fresh_name(),
        };
        of_world.run("CREATE DATABASE", "").await;
        Some(of_world)
    }

    /// Says in the configuration of a world below that folder where store and log are. The keys are made
    /// beforehand, as for processes that share a store.
    pub(super) fn prepare(&self, given: &mut Given, root: &Path) {
        let keys = root.join("keys");
        Sealer::generate_file(&keys, |bytes| SystemEntropy.fill(bytes)).unwrap();
        given.flags.insert("keys_file", keys.display().to_string());
        let mut store = Url::parse(&self.admin).unwrap();
        store.set_path(&self.name);
        // What a world writes need not survive the server.
        store
            .query_pairs_mut()
            .append_pair("options[synchronous_commit]", "off");
        let log = format!("kafka://{}", server("TIDEGATE_TEST_KAFKA").unwrap());
        given.flags.insert("store", store.into());
        given.flags.insert("log", log);
        given
            .flags
            .insert("kafka_prefix", format!("{}.", self.name));
        given.flags.insert("kafka_partitions", "2".into());
    }

    /// The database goes; the topics are small and their broker is a test's.
    pub(super) async fn remove(self) {
        self.run("DROP DATABASE", "WITH (FORCE)").await;
    }

    async fn run(&self, what: &str, how: &str) {
        let mut admin = PgConnection::connect(&self.admin).await.unwrap();
        let statement = format!("{what} {} {how}", self.name);
        let statement = sqlx::query(AssertSqlSafe(statement));
        statement.execute(&mut admin).await.unwrap();
    }
}

/// Tells a story on servers; says aloud when there are none.
fn tell(story: fn()) {
    let both = ["TIDEGATE_TEST_POSTGRES", "TIDEGATE_TEST_KAFKA"];
    if both.into_iter().all(|one| server(one).is_some()) {
        CHOSEN.set(true);
        story();
    }
}

macro_rules! told_on_servers {
    ($($module:ident::$story:ident,)*) => {
        $(#[test]
        fn $story() {
            tell(super::$module::$story);
        })*
    };
}

told_on_servers! {
    story::a_document_with_cards_behind_a_public_link_is_quarantined_and_comes_back_as_it_was,
    feeds::push_and_pull_give_the_same_24_fields_with_the_same_provenance,
    feeds::the_same_event_by_push_and_by_the_reconciling_pull_is_one_activity_and_one_incident,
    feeds::what_push_loses_the_reconciling_pull_brings,
    disabling::after_disabling_returns_nothing_of_the_tenant_is_touched_until_it_is_enabled_again,
    disabling::a_webhook_that_could_not_be_deregistered_is_shown_and_taken_away_later,
    consent::a_revoked_grant_asks_for_consent_and_nothing_is_lost_until_it_is_given_again,
    consent::fifty_users_of_an_expired_token_refresh_it_once,
    faults::sixty_documents_under_faults_give_one_incident_and_one_effect_for_each_violation,
}
