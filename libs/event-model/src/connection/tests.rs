use super::*;

const ROWS: &str = "
    # state | step => state afterwards, or refused
    awaiting_consent | consented => authorized
    awaiting_consent | enabling => refused
    awaiting_consent | grant_died => refused
    awaiting_consent | disabled => disabled
    authorized | consented => authorized
    authorized | enabling => enabling
    authorized | enabled => refused
    authorized | grant_died => needs_consent
    authorized | disabled => disabled
    enabling | consented => refused
    enabling | enabling => enabling
    enabling | enabled => enabled
    enabling | enabling_failed => authorized
    enabling | grant_died => needs_consent
    enabling | disabled => disabled
    enabled | consented => enabled
    enabled | enabling => refused
    enabled | enabled => refused
    enabled | enabling_failed => refused
    enabled | grant_died => needs_consent
    enabled | deregistered => refused
    enabled | disabled => disabled
    needs_consent | consented => enabled
    needs_consent | enabling => refused
    needs_consent | grant_died => needs_consent
    needs_consent | disabled => disabled
    disabled | consented => disabled
    disabled | enabling => refused
    disabled | grant_died => refused
    disabled | deregistered => disabled
    disabled | disabled => disabled
    disabled_clean | consented => authorized
    disabled_clean | enabling => enabling
";

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000).unwrap()
}

fn registration() -> Registration {
    Registration::new("wh_1", "http://here/webhooks/x", at())
}

fn state(word: &str) -> Lifecycle {
    let since = at();
    let feed = Feed::Push {
        registration: registration(),
    };
    match word {
        "awaiting_consent" => Lifecycle::AwaitingConsent { since },
        "authorized" => Lifecycle::Authorized { since },
        "enabling" => Lifecycle::Enabling {
            choice: FeedChoice::Auto,
            since,
        },
        "enabled" => Lifecycle::Enabled { feed, since },
        "needs_consent" => Lifecycle::NeedsConsent {
            kept: Some(feed),
            reason: "revoked".into(),
            since,
        },
        "disabled" => Lifecycle::Disabled {
            leftover: Some(registration()),
            since,
        },
        "disabled_clean" => Lifecycle::Disabled {
            leftover: None,
            since,
        },
        other => panic!("{other}"),
    }
}

fn step(from: Lifecycle, word: &str) -> Result<Lifecycle, IllegalTransition> {
    match word {
        "consented" => from.consented(at()),
        "enabling" => from.enabling(FeedChoice::Auto, at()),
        "enabled" => from.enabled(Feed::Pull, at()),
        "enabling_failed" => from.enabling_failed(at()),
        "grant_died" => from.grant_died("revoked".into(), at()),
        "disabled" => Ok(from.disabled(at())),
        "deregistered" => from.deregistered(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_lifecycle_takes_only_the_steps_it_has() {
    for row in ROWS
        .lines()
        .map(str::trim)
        .filter(|row| !row.is_empty() && !row.starts_with('#'))
    {
        let (given, outcome) = row.split_once(" => ").unwrap();
        let (from, verb) = given.split_once(" | ").unwrap();
        let after = step(state(from), verb);
        let word = after.as_ref().map(Lifecycle::word).unwrap_or("refused");
        assert_eq!(word, outcome, "{row}");
    }
}

#[test]
fn disabling_keeps_in_mind_what_the_service_still_holds() {
    for from in ["enabled", "needs_consent", "disabled"] {
        assert_eq!(
            state(from).disabled(at()).registration(),
            Some(&registration()),
            "{from}"
        );
    }
    assert_eq!(state("authorized").disabled(at()).registration(), None);
    assert_eq!(
        state("disabled").deregistered().unwrap().registration(),
        None
    );
}

#[test]
fn a_refusal_says_what_was_asked_of_what() {
    let refused = state("awaiting_consent")
        .enabling(FeedChoice::Pull, at())
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a connection that is `awaiting_consent` cannot be enabled"
    );
}

#[test]
fn the_wire_form_names_the_state_and_what_belongs_to_it() {
    let json = serde_json::to_value(state("enabled")).unwrap();
    assert_eq!(json["state"], "enabled");
    assert_eq!(json["feed"]["registration"]["external_id"], "wh_1");
    assert_eq!(
        serde_json::from_value::<Lifecycle>(json).unwrap(),
        state("enabled")
    );
}
