//! Every metric, with its help text and labels.

/// What a metric is called and what it tells.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Name in the Prometheus exposition.
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Label names, in the order in which values are given.
    pub labels: &'static [&'static str],
}

macro_rules! metrics {
    ($(#[$outer:meta])* $kind:ident { $($variant:ident $name:literal [$($label:literal),*] $help:literal;)* }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $kind { $(#[doc = $help] $variant,)* }

        impl $kind {
            /// Every metric of this kind.
            pub const ALL: &'static [$kind] = &[$($kind::$variant,)*];

            /// Its name, help and labels.
            pub const fn spec(self) -> Spec {
                match self {
                    $($kind::$variant => Spec { name: $name, help: $help, labels: &[$($label),*] },)*
                }
            }
        }
    };
}

metrics! {
    /// What only grows.
    Counter {
        Deliveries "tidegate_deliveries_total" ["outcome"] "Webhook deliveries by outcome: accepted, handshake, dead_letter, unavailable, gone, or the reason of refusal.";
        EventsAppended "tidegate_events_appended_total" ["arrival"] "Activities made durable in the log, by how they arrived.";
        DeadLetters "tidegate_dead_letters_total" ["reason"] "Payloads set aside in the dead-letter topic, by reason.";
        Polls "tidegate_polls_total" ["outcome"] "Pages asked of services: more, caught_up, failed, throttled, fenced.";
        CoverageGaps "tidegate_coverage_gaps_total" ["reason"] "Stretches of feeds that were not read and will not be, by reason.";
        TokenRefreshes "tidegate_token_refreshes_total" ["outcome"] "Refreshes of access tokens: refreshed, dead, failed.";
        ActivitiesRecorded "tidegate_activities_recorded_total" ["novelty"] "Activities evaluated: new, or repeated.";
        PolicyOutcomes "tidegate_policy_outcomes_total" ["outcome"] "Policies evaluated, by outcome.";
        Decisions "tidegate_decisions_total" ["decision"] "Attempts decided before the fact: allow or deny.";
        BlindSpots "tidegate_blind_spots_total" ["reason"] "Contents that could not be inspected, by reason.";
        PicturesRead "tidegate_pictures_read_total" ["outcome"] "Pictures of contents handed to be read, by outcome: text, no_text, unread.";
        Incidents "tidegate_incidents_total" ["severity"] "Incidents recorded, by severity.";
        IncidentsTold "tidegate_incidents_told_total" [] "Versions of incidents appended to the incidents topic.";
        SinkEvents "tidegate_sink_events_total" ["sink", "stream", "outcome"] "Events handed to a sink: taken, put_off (the receiver was away), refused (for good), unreadable.";
        VaultBytes "tidegate_vault_bytes_total" ["direction"] "Content of services taken into the vault (in) and sent back (out), in bytes.";
        Remedies "tidegate_remedies_total" ["kind", "outcome"] "Attempts at remedies: done, failed, given_up, fenced.";
    }
}

metrics! {
    /// What goes up and down.
    Gauge {
        FeedLag "tidegate_feed_lag_seconds" ["connection"] "Age of the newest activity of a connection when it reached us.";
        LastPolled "tidegate_last_polled_timestamp_seconds" ["connection"] "When the connection's feed was last read to its end.";
        StreamBehind "tidegate_stream_behind_seconds" ["connection", "stream"] "How long ago the moment is up to which a stream was read.";
        LogLag "tidegate_log_lag_records" ["group"] "Records of the activity log not yet committed by a consumer group.";
        OutboxWaiting "tidegate_outbox_waiting" [] "Versions of incidents that wait for the incidents topic.";
        OutboxAge "tidegate_outbox_age_seconds" [] "How long the oldest of them waits.";
        OutboxDropped "tidegate_outbox_dropped" [] "Versions of incidents removed untold, because too many waited.";
        SinkLag "tidegate_sink_lag_records" ["sink", "stream"] "Records of its topic that a stream of a sink has not handed on yet.";
        RemediesByState "tidegate_remedies" ["state"] "Remedies by state.";
    }
}

metrics! {
    /// How long something takes, in seconds.
    Timing {
        DeliverySeconds "tidegate_delivery_seconds" [] "From a delivery's first byte read to its answer.";
        EvaluationSeconds "tidegate_evaluation_seconds" [] "Evaluating one activity, content included.";
        DecisionSeconds "tidegate_decision_seconds" [] "Deciding one attempt before the fact, without recording it.";
        ContentSeconds "tidegate_content_seconds" [] "Fetching and inspecting one content.";
        RecordSeconds "tidegate_record_seconds" [] "Writing one evaluated batch in its transaction.";
        ProviderLagSeconds "tidegate_provider_lag_seconds" [] "From the user's act to our receiving it: what the service took.";
        StageSeconds "tidegate_stage_seconds" ["stage"] "From one moment of an activity's journey to the next: logged and received (the service's), appended, evaluated, incident, effect (ours).";
        EventToIncident "tidegate_event_to_incident_seconds" [] "From our receiving an activity to its incident.";
        EventToEffect "tidegate_event_to_effect_seconds" [] "From our receiving an activity to the verified effect in the service.";
    }
}
