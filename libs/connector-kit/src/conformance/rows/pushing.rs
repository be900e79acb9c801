//! Rows about webhooks: registering, delivering, deregistering.

use super::{Case, Judged, judged, shown};
use crate::conformance::Outcome::{Met, NotMet, NotTestable};

pub(super) fn push(case: &Case<'_>) -> Judged {
    if !case.connector.supports_push() {
        return judged(NotMet, "the manifest has no push: the service is polled");
    }
    let Some(seen) = &case.facts.pushed else {
        return judged(NotTestable, no_push(case));
    };
    let pushed = &seen.value;
    if let Some(refused) = &pushed.refused {
        return shown(NotMet, format!("the registration failed: {refused}"), seen);
    }
    match (pushed.mapped, pushed.unproved.first()) {
        (0, Some(why)) => shown(NotMet, format!("deliveries are not proved: {why}"), seen),
        (0, None) => shown(
            NotTestable,
            "registered, but nothing happened in the service that it could have delivered",
            seen,
        ),
        (events, None) => shown(
            Met,
            format!("registered; {events} events were delivered, each proved by its signature"),
            seen,
        ),
        (_, Some(why)) => shown(
            NotMet,
            format!("some deliveries are not proved: {why}"),
            seen,
        ),
    }
}

fn no_push(case: &Case<'_>) -> &'static str {
    match case.connector.registers_webhook() {
        true => "the service could not reach the check: give an address that it can deliver to",
        false => "the webhook is registered by a person, in the service itself",
    }
}

pub(super) fn deregistration(case: &Case<'_>) -> Judged {
    if !case.connector.supports_push() {
        return judged(NotMet, "the manifest has no push");
    }
    let Some(seen) = &case.facts.pushed else {
        return judged(NotTestable, no_push(case));
    };
    match &seen.value.deregistered {
        Some(Ok(())) => shown(Met, "deregistered, and once more without harm", seen),
        Some(Err(error)) => shown(NotMet, format!("deregistering failed: {error}"), seen),
        None => shown(NotTestable, "nothing was registered", seen),
    }
}

pub(super) fn tenant_level(case: &Case<'_>) -> Judged {
    if !case.connector.supports_push() {
        return judged(NotMet, "the manifest has no push");
    }
    let Some(seen) = &case.facts.pushed else {
        return judged(NotTestable, no_push(case));
    };
    match (&seen.value.registered, seen.value.about_new_objects) {
        (None, _) => shown(NotMet, "nothing could be registered", seen),
        (Some(_), 0) => shown(
            NotTestable,
            "registered once; nothing was made afterwards that would have to be delivered",
            seen,
        ),
        (Some(_), _) => shown(
            Met,
            "registered once; activity on an object that was made afterwards was delivered",
            seen,
        ),
    }
}

pub(super) fn both(case: &Case<'_>) -> Judged {
    match (
        case.connector.supports_push(),
        case.connector.registers_webhook(),
    ) {
        (false, _) => judged(NotMet, "the manifest has no push"),
        (true, false) => judged(NotMet, "the webhook is registered by a person"),
        (true, true) => judged(
            Met,
            "the manifest calls both; see S6 and S7 for how they did",
        ),
    }
}
