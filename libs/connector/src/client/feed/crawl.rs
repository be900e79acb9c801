//! Lists what exists already, a page at a time. Where it stands is a stack of lists that are still to be
//! read: it is saved by the caller, and goes on after a crash from there.

use event_model::{CrawlList, RawEvent, RawJson, ScanKind};
use serde_json::{Map, Value, json};

use crate::call::CallError;
use crate::client::feed::link::of_same_host;
use crate::client::feed::listing::{Listed, NOTHING_NEW};
use crate::client::feed::with_body;
use crate::client::{ANSWER_BYTES_MAX, ServiceClient, accepted, not_supported};
use crate::egress::Answer;
use crate::manifest::crawl::{Crawl, Level, Onward, Taken};
use crate::manifest::feed::Slot;
use crate::mapping::verb::DerivedId;
use crate::scope::Scope;

/// Digits of an element's key: two of one page are not alike by chance.
const KEY_DIGITS: usize = 16;

/// One element of a list, to be mapped.
#[derive(Debug, Clone)]
pub struct CrawledElement {
    /// What tells it from the others of its page when that page is read again: 16 hexadecimal digits over
    /// what was sent. An element that changed meanwhile is another one.
    pub key: String,
    /// The element as it is mapped.
    pub event: RawEvent,
}

/// A page of what exists.
#[derive(Debug, Default)]
pub struct CrawledPage {
    /// Elements to be mapped; of the outer levels there are none. As many as a page of events has at most.
    pub elements: Vec<CrawledElement>,
    /// The lists that are still to be read, the next one last; the crawl is over when there is none.
    pub lists: Vec<CrawlList>,
    /// Why the list could not be read, when only it cannot.
    pub refused: Option<String>,
}

impl ServiceClient {
    /// Reads the next page of the last of these lists.
    ///
    /// # Errors
    /// `NotSupported` when the manifest has no such crawl; `TooLarge` when more lists wait than are
    /// kept; see [`CallError`]. A list below the first level that the service does not give is passed
    /// over, and that is said.
    pub async fn crawl_page(
        &self,
        kind: ScanKind,
        lists: &[CrawlList],
    ) -> Result<CrawledPage, CallError> {
        let crawl = self.connector().crawl(kind).ok_or_else(|| {
            not_supported(format!("the manifest does not say how {kind} are listed"))
        })?;
        let Some((list, rest)) = lists.split_last() else {
            return Ok(CrawledPage::default());
        };
        let level = crawl.levels.get(usize::from(list.level));
        let level = level.ok_or_else(|| not_supported("the list is of another manifest"))?;
        let mut page = CrawledPage {
            lists: rest.to_vec(),
            ..CrawledPage::default()
        };
        match self.read_list(level, list).await {
            Ok((answer, asked)) => self.take_in(crawl, level, list, (&answer, asked), &mut page)?,
            Err(error) if list.level > 0 && is_about_one(&error) => {
                page.refused = Some(error.to_string());
            }
            Err(error) => return Err(error),
        }
        match page.lists.len() > CrawlList::WAITING_MAX {
            true => Err(CallError::TooLarge {
                limit: CrawlList::WAITING_MAX,
            }),
            false => Ok(page),
        }
    }

    async fn read_list(
        &self,
        level: &Level,
        list: &CrawlList,
    ) -> Result<(Answer, url::Url), CallError> {
        let item = Value::Object(list.item.clone());
        let scope = Scope {
            item: Some(&item),
            ..self.scope()
        };
        let mut request = &level.request;
        let mut parts: Vec<(&Slot, Value)> = Vec::new();
        let mut link = None;
        match (&level.next, &list.next) {
            (_, None) | (Onward::None, _) => {}
            (Onward::Link(_), Some(next)) => link = Some(next),
            (Onward::Offset(slot), Some(next)) => parts.push((slot, number(next))),
            (
                Onward::Cursor {
                    slot,
                    request: onward,
                    ..
                },
                Some(next),
            ) => {
                request = onward.as_deref().unwrap_or(request);
                parts.push((slot, Value::from(next.as_str())));
            }
        }
        let queried: Vec<(&str, String)> = parts
            .iter()
            .filter_map(|(slot, value)| match slot {
                Slot::Query(name) => Some((name.as_str(), super::written(value))),
                Slot::Body(_) => None,
            })
            .collect();
        let extra: Vec<(&str, &str)> = queried
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let own = self.address(request, &scope, &extra)?;
        let url = match link {
            Some(link) => of_same_host(&own, link)?,
            None => own,
        };
        let request = with_body(request, &parts, &scope)?;
        let sent = self.send_to(url.clone(), &request, &scope, ANSWER_BYTES_MAX);
        Ok((accepted(sent.await?, &NOTHING_NEW)?, url))
    }

    /// The elements of a page, and the lists that follow from it.
    fn take_in(
        &self,
        crawl: &Crawl,
        level: &Level,
        list: &CrawlList,
        (answer, asked): (&Answer, url::Url),
        page: &mut CrawledPage,
    ) -> Result<(), CallError> {
        let scope = self.scope();
        let listed = Listed::read((&level.items, None), answer, &scope)?;
        let next = onward(level, list, &listed, &asked, &scope)?;
        // A service that hands back the same place has no more.
        if let Some(next) = next.filter(|next| !next.is_empty() && list.next.as_ref() != Some(next))
        {
            page.lists.push(CrawlList {
                next: Some(next),
                ..list.clone()
            });
        }
        let is_last = usize::from(list.level) + 1 == crawl.levels.len();
        for raw in &listed.items {
            let element: Value = serde_json::from_str(raw).unwrap_or(Value::Null);
            let over = scope.over(&element);
            if !is_last {
                if level
                    .filter
                    .as_ref()
                    .is_none_or(|filter| filter.holds(&over))
                {
                    page.lists.push(CrawlList {
                        level: list.level + 1,
                        item: taken(&list.item, &level.take, &element),
                        next: None,
                    });
                }
                continue;
            }
            if let Some(descend) = crawl
                .descend
                .as_ref()
                .filter(|below| below.when.holds(&over))
            {
                page.lists.push(CrawlList {
                    level: list.level,
                    item: taken(&list.item, &descend.take, &element),
                    next: None,
                });
            }
            page.elements.push(CrawledElement {
                key: key_of(raw),
                event: event(crawl, list, raw, element),
            });
        }
        Ok(())
    }
}

/// What asks for the next page, if there is one.
fn onward(
    level: &Level,
    list: &CrawlList,
    listed: &Listed<'_>,
    asked: &url::Url,
    scope: &Scope<'_>,
) -> Result<Option<String>, CallError> {
    let more = level.more.as_ref().is_none_or(|more| {
        let whole = listed.without_lists().unwrap_or(Value::Null);
        more.holds(&scope.over(&whole))
    });
    if !more {
        return Ok(None);
    }
    match &level.next {
        Onward::None => Ok(None),
        Onward::Cursor { place, .. } => listed.cursor(place),
        Onward::Link(place) => match listed.link(place)? {
            Some(next) => Ok(Some(of_same_host(asked, &next)?.into())),
            None => Ok(None),
        },
        Onward::Offset(_) if listed.items.is_empty() => Ok(None),
        Onward::Offset(_) => {
            let before = list.next.as_ref().and_then(|next| next.parse::<u64>().ok());
            let next = before.unwrap_or_default() + listed.items.len() as u64;
            Ok(Some(next.to_string()))
        }
    }
}

/// The element as it is; with what was taken of the levels above, where there are some.
fn event(crawl: &Crawl, list: &CrawlList, raw: &str, element: Value) -> RawEvent {
    let json = match crawl.levels.len() > 1 || crawl.descend.is_some() {
        false => RawJson::checked(raw),
        true => {
            let wrapped = json!({ "over": list.item, "item": element });
            let json = serde_json::value::to_raw_value(&wrapped);
            json.expect("a value has only string keys").into()
        }
    };
    RawEvent { json }
}

/// The first digits of a hash over the element as it was sent.
fn key_of(raw: &str) -> String {
    let mut id = DerivedId::new();
    id.add(Some(raw.as_bytes()));
    let id = id.finish();
    let digits = id.trim_start_matches("drv_").chars();
    digits.take(KEY_DIGITS).collect()
}

/// What is kept of the levels above, and of this element.
fn taken(
    above: &Map<String, Value>,
    take: &[(String, Taken)],
    element: &Value,
) -> Map<String, Value> {
    let mut kept = above.clone();
    for (name, place) in take {
        let value = match place {
            Taken::At(place) => place.of(element).cloned(),
            Taken::Const(text) => Some(Value::from(text.as_str())),
        };
        if let Some(value) = value {
            kept.insert(name.clone(), value);
        }
    }
    kept
}

/// Whether an error says something about that list only, and not about the connection.
fn is_about_one(error: &CallError) -> bool {
    matches!(error, CallError::NotFound | CallError::Forbidden { .. })
}

fn number(text: &str) -> Value {
    let number = text.parse::<u64>();
    number.map_or_else(|_| Value::from(text), Value::from)
}
