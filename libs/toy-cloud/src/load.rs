//! The load generator: users upload small documents and make public links on them at a rate, and it keeps the book of what is a
//! violation, so that a test can ask afterwards whether each was found and nothing else. A violating document holds valid payment card
//! numbers; the others hold numbers that only look like them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::chance::{Roll, Stream};
use crate::clock::Moment;
use crate::model::links::Visibility;
use crate::model::objects::Content;
use crate::model::permissions::Role;
use crate::model::{By, Refusal};
use crate::service::Service;

/// At most this many documents per second.
pub const RATE_PER_S_MAX: u64 = 2_000;
/// A run lasts at most an hour.
pub const SECONDS_MAX: u64 = 3_600;
/// At most this many users take part.
pub const LOAD_USERS_MAX: usize = 1_000;
/// A run keeps the ids of at most this many activities; documents beyond that are refused.
pub const LOAD_EVENTS_KEPT_MAX: usize = 1_000_000;
const TICK: Duration = Duration::from_millis(5);
const CARDS_PER_DOCUMENT_MAX: u64 = 2;

/// What a run is to do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadOrder {
    /// Where.
    pub tenant: String,
    /// Documents per second, 1 to [`RATE_PER_S_MAX`]; each makes two activities.
    pub rate_per_s: u64,
    /// How long, 1 to [`SECONDS_MAX`].
    pub seconds: u64,
    /// How many users take part, 1 to [`LOAD_USERS_MAX`]; missing ones are hired. 3 when absent.
    #[serde(default = "three")]
    pub users: usize,
    /// The share of violating documents, 0 to 1; 0.2 when absent.
    #[serde(default = "a_fifth")]
    pub violating: f64,
}

fn three() -> usize {
    3
}

fn a_fifth() -> f64 {
    0.2
}

/// How the run stands; it begins anew with each run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Load {
    /// Whether it still goes on.
    pub running: bool,
    /// Where.
    pub tenant: Option<String>,
    started_at: Option<Moment>,
    finished_at: Option<Moment>,
    /// Documents that were to be made.
    pub planned: u64,
    /// Documents that were made, each with a public link.
    pub documents: u64,
    /// Documents that the service would not take, for want of room.
    pub refused: u64,
    /// The objects that hold card numbers and have a public link.
    pub violating: Vec<Violation>,
    /// Every activity made.
    pub event_ids: Vec<String>,
}

/// A violation that the generator made.
#[derive(Debug, Clone, Serialize)]
pub struct Violation {
    /// The file.
    pub object_id: String,
    /// The `link.created` that made it public.
    pub event_id: String,
}

impl Load {
    /// The numbers alone.
    pub(crate) fn without_ids(&self) -> Self {
        let Self {
            running,
            tenant,
            started_at,
            finished_at,
            planned,
            documents,
            refused,
            ..
        } = self;
        Self {
            running: *running,
            tenant: tenant.clone(),
            started_at: *started_at,
            finished_at: *finished_at,
            planned: *planned,
            documents: *documents,
            refused: *refused,
            violating: Vec::new(),
            event_ids: Vec::new(),
        }
    }
}

/// Why a run was not begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadRefusal {
    #[error("{0}")]
    Invalid(&'static str),
    #[error("a run is going on")]
    Running,
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Begins a run, which goes on by itself.
pub(crate) fn begin(service: &Arc<Service>, order: LoadOrder) -> Result<(), LoadRefusal> {
    check(&order)?;
    service.model().tenant(&order.tenant)?;
    {
        let mut load = service.load();
        if load.running {
            return Err(LoadRefusal::Running);
        }
        *load = Load {
            running: true,
            tenant: Some(order.tenant.clone()),
            started_at: Some(service.ground.clock.now()),
            planned: order.rate_per_s * order.seconds,
            ..Load::default()
        };
    }
    let users = match gather_users(service, &order) {
        Ok(users) => users,
        Err(refusal) => {
            service.load().running = false;
            return Err(refusal.into());
        }
    };
    tokio::spawn(run(Arc::clone(service), order, users));
    Ok(())
}

fn check(order: &LoadOrder) -> Result<(), LoadRefusal> {
    let wrong = |why| Err(LoadRefusal::Invalid(why));
    if !(1..=RATE_PER_S_MAX).contains(&order.rate_per_s) {
        return wrong("rate_per_s is between 1 and 2000");
    }
    if !(1..=SECONDS_MAX).contains(&order.seconds) {
        return wrong("seconds is between 1 and 3600");
    }
    if !(1..=LOAD_USERS_MAX).contains(&order.users) {
        return wrong("users is between 1 and 1000");
    }
    if !(0.0..=1.0).contains(&order.violating) {
        return wrong("violating is between 0 and 1");
    }
    Ok(())
}

fn gather_users(service: &Service, order: &LoadOrder) -> Result<Vec<By>, Refusal> {
    let as_user = |name: &str| By {
        tenant_id: order.tenant.clone(),
        user_id: format!("u_{}_{name}", order.tenant),
        app_id: None,
        ip: "203.0.113.7".to_owned(),
        user_agent: "Load generator".to_owned(),
    };
    let names = ["alice", "bob", "carol"].map(str::to_owned).into_iter();
    let names = names
        .chain((1..).map(|n| format!("worker{n}")))
        .take(order.users);
    let mut users = Vec::with_capacity(order.users);
    for name in names {
        if let Some(hired) = service.model().hire(&as_user("admin"), &name)? {
            service.load().event_ids.push(hired.id.clone());
        }
        users.push(as_user(&name));
    }
    Ok(users)
}

async fn run(service: Arc<Service>, order: LoadOrder, users: Vec<By>) {
    let planned = order.rate_per_s * order.seconds;
    let started = service.ground.clock.now();
    let mut stop = service.stopping();
    let mut tick = tokio::time::interval(TICK);
    let mut made = 0;
    while made < planned && !*stop.borrow() {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => break,
        }
        let elapsed_ms = (service.ground.clock.now().0 - started.0).unsigned_abs();
        let due = (elapsed_ms.saturating_mul(order.rate_per_s) / 1_000).min(planned);
        // A machine that lags behind, or a moved clock, makes up for it in portions of one tick of a second.
        let portion = due.min(made + order.rate_per_s);
        while made < portion {
            made += 1;
            publish(&service, &order, &users, made);
        }
    }
    let mut load = service.load();
    load.running = false;
    load.finished_at = Some(service.ground.clock.now());
}

fn publish(service: &Service, order: &LoadOrder, users: &[By], n: u64) {
    if service.load().event_ids.len() >= LOAD_EVENTS_KEPT_MAX {
        service.load().refused += 1;
        return;
    }
    let roll = Roll::new(service.ground.faults.seed(), Stream::Load, n);
    let violating = roll.happens(order.violating);
    let by = &users[roll.again().up_to(users.len() as u64 - 1) as usize];
    let content = Content::new(Bytes::from(document(roll, n, violating)), "text/plain");
    let made = upload_and_link(service, by, &format!("report-{n}.txt"), content);
    let mut load = service.load();
    match made {
        Ok([object_id, created, linked]) => {
            load.documents += 1;
            load.event_ids.extend([created, linked.clone()]);
            if violating {
                load.violating.push(Violation {
                    object_id,
                    event_id: linked,
                });
            }
        }
        Err(_) => load.refused += 1,
    }
}

fn upload_and_link(
    service: &Service,
    by: &By,
    name: &str,
    content: Content,
) -> Result<[String; 3], Refusal> {
    let home = service
        .model()
        .user(by, &by.user_id)?
        .home
        .map(|number| format!("f_{number}"));
    let file = service.model().upload(by, name, home.as_deref(), content)?;
    let link = service
        .model()
        .create_link(by, &file.view.id, Visibility::Public, Role::Viewer)?;
    let id = |activity: Option<Arc<crate::model::activity::Activity>>| {
        activity.map_or_else(String::new, |activity| activity.id.clone())
    };
    Ok([file.view.id, id(file.activity), id(link.activity)])
}

fn document(roll: Roll, n: u64, violating: bool) -> String {
    let mut roll = roll.again().again();
    let mut text =
        format!("Report {n}\n\nOrders of the week, as agreed on the phone (+1 555 0100).\n");
    for line in 0..=roll.up_to(CARDS_PER_DOCUMENT_MAX) {
        roll = roll.again();
        let number = card_number(roll, violating);
        let label = if violating {
            "Payment card number"
        } else {
            "Order reference"
        };
        text.push_str(&format!(
            "{label} {}: {}\n",
            line + 1,
            spelled(&number, roll)
        ));
    }
    text
}

/// Sixteen digits that begin like a Visa or a Mastercard number; their check digit is right or, in a near miss, wrong.
fn card_number(roll: Roll, valid: bool) -> String {
    let prefix = ["4111", "4539", "4916", "5105", "5425"][roll.up_to(4) as usize];
    let body = format!("{prefix}{:011}", roll.again().up_to(99_999_999_999));
    let right = check_digit(&body);
    let digit = if valid { right } else { (right + 1) % 10 };
    format!("{body}{digit}")
}

fn spelled(number: &str, roll: Roll) -> String {
    let separator = ["", " ", "-"][roll.again().up_to(2) as usize];
    let groups: Vec<&str> = (0..4)
        .map(|group| &number[group * 4..group * 4 + 4])
        .collect();
    groups.join(separator)
}

/// The digit that makes the number pass Luhn's check.
fn check_digit(body: &str) -> u32 {
    let digits = body
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .enumerate();
    let sum: u32 = digits
        .map(|(place, digit)| luhn_weight(digit, place % 2 == 0))
        .sum();
    (10 - sum % 10) % 10
}

fn luhn_weight(digit: u32, doubled: bool) -> u32 {
    match (digit, doubled) {
        (digit, false) => digit,
        (digit, true) if digit > 4 => digit * 2 - 9,
        (digit, true) => digit * 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luhn_holds(number: &str) -> bool {
        number.ends_with(&check_digit(&number[..number.len() - 1]).to_string())
    }

    #[test]
    fn violating_documents_hold_valid_card_numbers_and_the_others_only_near_misses() {
        assert!(luhn_holds("4111111111111111"));
        assert!(!luhn_holds("4111111111111112"));
        for n in 0..1_000 {
            let roll = Roll::new(3, Stream::Load, n);
            assert!(luhn_holds(&card_number(roll, true)));
            assert!(!luhn_holds(&card_number(roll, false)));
        }
        let text = document(Roll::new(3, Stream::Load, 1), 1, true);
        assert!(text.contains("Payment card number 1: "), "{text}");
    }
}
