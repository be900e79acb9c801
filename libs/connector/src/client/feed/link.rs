//! Pages by the address of the next one, which the service gives always: an empty page is the end.

use std::borrow::Cow;

use event_model::{FeedPage, GapReason, Position};
use url::Url;

use crate::call::CallError;
use crate::client::feed::listing::{Listed, NOTHING_NEW};
use crate::client::feed::moment_before;
use crate::client::{ServiceClient, accepted, not_supported};
use crate::egress::same_origin;
use crate::manifest::feed::{LinkPaging, Stream};

impl ServiceClient {
    pub(super) async fn page_by_link(
        &self,
        stream: &Stream,
        paging: &LinkPaging,
        from: &Position,
    ) -> Result<FeedPage, CallError> {
        let asked = match from {
            Position::Start => self.address_of(&stream.request, &[])?,
            Position::Now => {
                let since = paging
                    .since
                    .as_ref()
                    .ok_or_else(|| not_supported("the stream cannot be begun at its end"))?;
                let at = moment_before(self.0.clock.now(), paging.overlap);
                self.address_of(&stream.request, &[since.asked(at)])?
            }
            Position::Link { url } => {
                let own = self.address_of(&stream.request, &[])?;
                of_same_host(&own, url)?
            }
            Position::Cursor { .. } | Position::Watermark { .. } => {
                return Err(CallError::CursorExpired {
                    resume: None,
                    reason: GapReason::CursorExpired,
                });
            }
        };
        let sent = self.ask_page_at(asked.clone(), stream, &stream.request, &[]);
        let answer = accepted(sent.await?, &NOTHING_NEW)?;
        let listed = Listed::read(
            (&paging.items, stream.empty.as_ref()),
            &answer,
            &self.scope(),
        )?;
        let to = match listed.link(&paging.next)? {
            Some(next) => Position::Link {
                url: of_same_host(&asked, &next)?.into(),
            },
            None if listed.items.is_empty() && *from != Position::Now => from.clone(),
            None => {
                return Err(CallError::malformed(
                    "the page does not say where the next one is",
                ));
            }
        };
        Ok(FeedPage {
            from: from.clone(),
            to,
            events: listed.events(),
            more: !listed.items.is_empty(),
        })
    }
}

/// An address that the service gave, relative or whole. Pages of one feed are at one host: whoever
/// can write into an answer cannot lead us elsewhere, not even inside the allow-list.
pub(super) fn of_same_host(own: &Url, given: &str) -> Result<Url, CallError> {
    let url = own
        .join(given)
        .map_err(|_| CallError::malformed("the next page is not an address"))?;
    if same_origin(own, &url) {
        return Ok(url);
    }
    let host = url.host_str().map_or(Cow::Borrowed(""), Cow::from);
    Err(CallError::OutsideAllowList {
        host: host.chars().take(256).collect(),
    })
}
