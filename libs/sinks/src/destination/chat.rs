//! A message for each incident, to an incoming webhook. Sources: Slack, "Sending messages using incoming
//! webhooks" (`text`, where `&`, `<` and `>` are escaped); Microsoft Teams, "Create incoming webhooks" (an Adaptive Card as
//! attachment).

use async_trait::async_trait;
use reqwest::Client;
use serde_json::{Value, json};
use url::Url;

use super::{DeliveryError, OneByOne, http};
use crate::Told;
use crate::settings::{self, ChatStyle};

pub(super) struct Room {
    client: Client,
    url: Url,
    style: ChatStyle,
    console: Option<Url>,
}

impl Room {
    pub(super) fn new(settings: &settings::Chat) -> Result<Self, String> {
        let url = settings.url.read()?;
        let url = Url::parse(&url).map_err(|_| "the secret is not the webhook's address")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("the webhook's address is neither http nor https".into());
        }
        Ok(Room {
            client: http::client(None)?,
            url,
            style: settings.style,
            console: settings.console.clone(),
        })
    }

    fn message(&self, event: &Told) -> Value {
        let said = event.text("/message").unwrap_or("An incident");
        let grave = event.severity().title();
        let link = self.link(event);
        match self.style {
            ChatStyle::Slack => {
                let said = escaped(said);
                let link = link
                    .map(|link| format!("\n<{link}|Open it>"))
                    .unwrap_or_default();
                json!({"text": format!("*{grave}* {said}{link}")})
            }
            ChatStyle::Teams => {
                let open = link
                    .map(|link| json!({"type": "Action.OpenUrl", "title": "Open it", "url": link.as_str()}));
                json!({"type": "message", "attachments": [{
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "content": {
                        "type": "AdaptiveCard", "version": "1.4",
                        "body": [
                            {"type": "TextBlock", "weight": "Bolder", "text": grave},
                            {"type": "TextBlock", "wrap": true, "text": plain(said)},
                        ],
                        "actions": open.into_iter().collect::<Vec<_>>(),
                    },
                }]})
            }
        }
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

/// Names come from cloud services: no mention, no link, no format of theirs.
fn escaped(text: &str) -> String {
    plain(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn plain(text: &str) -> String {
    let quiet = |c: char| match c {
        '*' | '_' | '`' | '~' | '[' | ']' => ' ',
        other if other.is_control() => ' ',
        other => other,
    };
    text.chars().map(quiet).collect()
}

#[async_trait]
impl OneByOne for Room {
    async fn deliver_one(&mut self, event: &Told) -> Result<(), DeliveryError> {
        let message = self.message(event);
        http::send(self.client.post(self.url.clone()).json(&message))
            .await
            .map(drop)
    }
}
