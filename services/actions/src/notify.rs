//! The e-mail notification: works for every service, needs nothing of it.

use event_model::{Field, RemedyState};
use ports::{ClaimedRemedy, Mail};

use crate::Actions;
use crate::failure::RemedyError;

/// Longest value of a field shown in a message, in characters.
const VALUE_CHARS_MAX: usize = 300;

impl Actions {
    pub(crate) async fn notify(&self, claimed: &mut ClaimedRemedy) -> Result<(), RemedyError> {
        if claimed.remedy.to.is_empty() {
            return Err(RemedyError::NobodyToTell);
        }
        self.advance(claimed, RemedyState::Executing, None).await?;
        self.ports.mailer.send(&mail(claimed)).await?;
        self.finish(claimed, "sent an e-mail", None).await
    }
}

fn mail(claimed: &ClaimedRemedy) -> Mail {
    let activity = &claimed.activity;
    let shown = |field: Field| {
        let value = activity.text(field)?;
        Some(
            value
                .chars()
                .filter(|c| !c.is_control())
                .take(VALUE_CHARS_MAX)
                .collect::<String>(),
        )
    };
    let object = shown(Field::ObjectName).unwrap_or_else(|| "an activity".into());
    let number = claimed.incident_number.as_str();
    let mut body = String::new();
    if let Some(notification) = &claimed.notification {
        body.push_str(notification);
        body.push_str("\n\n");
    }
    body.push_str(&format!(
        "{number}: the policy `{}` was violated.\n\n",
        claimed.policy_name
    ));
    for field in [
        Field::EventName,
        Field::EventTimestamp,
        Field::ActorName,
        Field::ActorEmail,
        Field::ObjectName,
        Field::ObjectPath,
        Field::TargetUserEmail,
        Field::Visibility,
    ] {
        if let Some(value) = shown(field) {
            body.push_str(&format!("{}: {value}\n", field.name().replace('_', " ")));
        }
    }
    Mail {
        id: claimed.remedy.id.to_string(),
        to: claimed.remedy.to.clone(),
        subject: format!("[{number}] {}: {object}", claimed.policy_name),
        body,
        html: None,
        thread: Some(claimed.remedy.incident_id.to_string()),
        list: None,
    }
}
