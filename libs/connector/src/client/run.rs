//! Runs the steps of a manifest: requests, what is kept of their answers, what they must show.

use std::ops::Range;
use std::sync::Arc;

use event_model::Activity;
use serde_json::{Map, Value};

use crate::call::{CallError, Disposition};
use crate::client::{
    ANSWER_BYTES_MAX, KeptContent, ServiceClient, accepted, document, not_supported,
};
use crate::egress::Answer;
use crate::manifest::step::{Body, Capture, ForEach, Pages, Step};
use crate::pointer::Pointer;
use crate::scope::{Scope, Word};
use crate::view::View;

/// Most elements that a step is made for.
pub(crate) const FOR_EACH_MAX: usize = 1_000;
/// Most elements of a list that is read to its end.
pub(crate) const LIST_ITEMS_MAX: usize = 10_000;
/// Most pages of such a list.
const LIST_PAGES_MAX: usize = 200;

/// Steps being run one after another, and what they have kept so far.
pub(crate) struct Run<'a> {
    client: &'a ServiceClient,
    activity: Option<&'a Activity>,
    snapshot: Option<&'a Map<String, Value>>,
    item: Option<Value>,
    registration: Option<Map<String, Value>>,
    words: Vec<(Word, String)>,
    vault: Option<&'a Arc<dyn KeptContent>>,
    pub(crate) kept: Map<String, Value>,
    /// What could not be done, when the run goes on after failures.
    failures: Option<Vec<String>>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(client: &'a ServiceClient) -> Self {
        Run {
            client,
            activity: None,
            snapshot: None,
            item: None,
            registration: None,
            words: Vec::new(),
            vault: None,
            kept: Map::new(),
            failures: None,
        }
    }

    pub(crate) fn about(self, activity: &'a Activity) -> Self {
        Run {
            activity: Some(activity),
            ..self
        }
    }

    pub(crate) fn from(self, snapshot: Option<&'a Map<String, Value>>) -> Self {
        Run { snapshot, ..self }
    }

    /// With what the vault has of the object.
    pub(crate) fn sending(self, vault: Option<&'a Arc<dyn KeptContent>>) -> Self {
        Run { vault, ..self }
    }

    /// With that element at hand.
    pub(crate) fn on(self, item: Value) -> Self {
        Run {
            item: Some(item),
            ..self
        }
    }

    /// About a webhook that was registered.
    pub(crate) fn registered(self, registration: Map<String, Value>) -> Self {
        Run {
            registration: Some(registration),
            ..self
        }
    }

    pub(crate) fn with(mut self, word: Word, text: Option<&str>) -> Self {
        self.words.extend(text.map(|text| (word, text.to_owned())));
        self
    }

    /// With those single values.
    pub(crate) fn told(mut self, words: Vec<(Word, String)>) -> Self {
        self.words.extend(words);
        self
    }

    /// From here on a failure that would only repeat itself is noted, and the run goes on.
    pub(crate) fn note_failures(&mut self) {
        self.failures = Some(Vec::new());
    }

    /// What was noted since.
    pub(crate) fn take_failures(&mut self) -> Vec<String> {
        self.failures.take().unwrap_or_default()
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope {
            activity: self.activity,
            snapshot: self.snapshot,
            step: Some(&self.kept),
            item: self.item.as_ref(),
            registration: self.registration.as_ref(),
            words: &self.words,
            kept: self.vault,
            ..self.client.scope()
        }
    }

    /// Runs the steps; says whether everything that they expect was seen.
    pub(crate) async fn all(&mut self, steps: &[Step]) -> Result<bool, CallError> {
        let mut as_expected = true;
        for step in steps {
            as_expected &= self.step(step).await?;
        }
        Ok(as_expected)
    }

    /// Runs the steps; what they expect must be seen.
    pub(crate) async fn must(&mut self, steps: &[Step]) -> Result<(), CallError> {
        match self.all(steps).await? {
            true => Ok(()),
            false => Err(CallError::malformed(
                "the answer is not what the manifest expects",
            )),
        }
    }

    async fn step(&mut self, step: &Step) -> Result<bool, CallError> {
        let Some(each) = &step.for_each else {
            return self.once(step, None, None).await;
        };
        let mut as_expected = true;
        for item in self.elements(each)? {
            as_expected &= self.once(step, Some(&item), Some(each)).await?;
        }
        Ok(as_expected)
    }

    pub(crate) fn elements(&self, each: &ForEach) -> Result<Vec<Value>, CallError> {
        let scope = self.scope();
        let list = scope
            .value(&each.list)
            .ok_or_else(|| not_supported(format!("`{}` was not recorded", each.list)))?;
        let Value::Array(items) = list.as_ref() else {
            return Err(CallError::malformed(format!(
                "`{}` is not a list",
                each.list
            )));
        };
        if items.len() > FOR_EACH_MAX {
            return Err(CallError::TooLarge {
                limit: FOR_EACH_MAX,
            });
        }
        let holds = |item: &&Value| {
            let scope = Scope {
                item: Some(item),
                ..scope.over(*item)
            };
            each.filter
                .as_ref()
                .is_none_or(|filter| filter.holds(&scope))
        };
        Ok(items.iter().filter(holds).cloned().collect())
    }

    /// The step for one element, or for itself.
    async fn once(
        &mut self,
        step: &Step,
        item: Option<&Value>,
        each: Option<&ForEach>,
    ) -> Result<bool, CallError> {
        let error = match self.requests(step, item).await {
            Ok(as_expected) => return Ok(as_expected),
            Err(error) => error,
        };
        let label = each.and_then(|each| each.label.as_ref());
        let scope = Scope {
            item: item.or(self.item.as_ref()),
            ..self.scope()
        };
        let label = label.and_then(|label| label.text(&scope).ok());
        match &mut self.failures {
            Some(failures) if error.disposition() == Disposition::GiveUp => {
                failures.push(match label {
                    Some(label) => format!("{label}: {error}"),
                    None => error.to_string(),
                });
                Ok(true)
            }
            _ => Err(error),
        }
    }

    /// One request, or one for each piece of the content that it sends.
    async fn requests(&mut self, step: &Step, item: Option<&Value>) -> Result<bool, CallError> {
        let sent = match &step.request.body {
            Body::Vault => self
                .vault
                .and_then(|vault| vault.bytes(item.or(self.item.as_ref()).unwrap_or(&Value::Null))),
            _ => None,
        };
        let Some(bytes) = sent else {
            let (as_expected, kept) = self.request(step, item, None).await?;
            self.kept.extend(kept);
            return Ok(as_expected);
        };
        let mut as_expected = true;
        for piece in pieces(bytes, step.piece_bytes) {
            let words = self.words.len();
            self.words.extend(words_of(bytes, &piece));
            let done = self.request(step, item, Some(&piece)).await;
            self.words.truncate(words);
            let (piece_as_expected, kept) = done?;
            self.kept.extend(kept);
            as_expected &= piece_as_expected;
        }
        Ok(as_expected)
    }

    async fn request(
        &self,
        step: &Step,
        item: Option<&Value>,
        piece: Option<&Range<u64>>,
    ) -> Result<(bool, Map<String, Value>), CallError> {
        let scope = Scope {
            item: item.or(self.item.as_ref()),
            piece,
            ..self.scope()
        };
        if step.when.as_ref().is_some_and(|when| !when.holds(&scope)) {
            return Ok((true, Map::new()));
        }
        let (answer, body) = match &step.pages {
            Some(pages) => self.whole_list(step, pages, &scope).await?,
            None => {
                let bytes_max = if step.ignore_body {
                    0
                } else {
                    ANSWER_BYTES_MAX
                };
                let answer = self
                    .client
                    .send(&step.request, &scope, &[], bytes_max)
                    .await?;
                let answer = accepted(answer, &step.ok)?;
                let body = document(&answer)?;
                (answer, body)
            }
        };
        let mut words = self.words.clone();
        words.push((Word::Status, answer.status.as_u16().to_string()));
        let scope = Scope {
            words: &words,
            ..scope.over(&body)
        };
        let mut kept = Map::new();
        for (name, capture) in &step.capture {
            kept.insert(name.clone(), captured(capture, &answer, &scope)?);
        }
        let as_expected = {
            let mut all = self.kept.clone();
            all.extend(kept.clone());
            let scope = Scope {
                step: Some(&all),
                ..scope
            };
            if step.newer.as_ref().is_some_and(|newer| newer.holds(&scope)) {
                return Err(CallError::VersionMismatch);
            }
            step.expect.iter().all(|condition| condition.holds(&scope))
        };
        Ok((as_expected, kept))
    }

    /// All pages of a list; the document is the list. A list that is longer than its bound is
    /// refused: acting on a part of it would be acting on something else.
    async fn whole_list(
        &self,
        step: &Step,
        pages: &Pages,
        scope: &Scope<'_>,
    ) -> Result<(Answer, Value), CallError> {
        let mut all: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..LIST_PAGES_MAX {
            let extra: Vec<(&str, &str)> = cursor
                .iter()
                .map(|cursor| (pages.query.as_str(), cursor.as_str()))
                .collect();
            let answer = self
                .client
                .send(&step.request, scope, &extra, ANSWER_BYTES_MAX)
                .await?;
            let answer = accepted(answer, &step.ok)?;
            let body = document(&answer)?;
            match pages.items.of(&body) {
                Some(Value::Array(items)) => all.extend(items.iter().cloned()),
                _ if !answer.status.is_success() => return Ok((answer, body)),
                _ => {
                    return Err(CallError::malformed(format!(
                        "there is no list at `{}`",
                        pages.items
                    )));
                }
            }
            if all.len() > LIST_ITEMS_MAX {
                return Err(CallError::TooLarge {
                    limit: LIST_ITEMS_MAX,
                });
            }
            let next = pages.next.of(&body).and_then(crate::scope::scalar);
            match next.map(|next| next.into_owned()) {
                Some(next) if cursor.as_ref() != Some(&next) => cursor = Some(next),
                _ => return Ok((answer, Value::Array(all))),
            }
        }
        Err(CallError::TooLarge {
            limit: LIST_ITEMS_MAX,
        })
    }
}

/// The pieces of content of that length; at least one.
fn pieces(bytes: u64, piece_bytes: Option<u64>) -> impl Iterator<Item = Range<u64>> {
    let piece_bytes = piece_bytes.unwrap_or(bytes).max(1);
    let count = bytes.div_ceil(piece_bytes).max(1);
    (0..count).map(move |at| {
        let first = at * piece_bytes;
        first..(first + piece_bytes).min(bytes)
    })
}

fn words_of(bytes: u64, piece: &Range<u64>) -> [(Word, String); 4] {
    [
        (Word::ContentBytes, bytes.to_string()),
        (Word::PieceFirst, piece.start.to_string()),
        (Word::PieceLast, piece.end.saturating_sub(1).to_string()),
        (Word::PieceBytes, (piece.end - piece.start).to_string()),
    ]
}

/// Of an element the named values that it has.
fn only(item: &Value, take: &[(String, Pointer)]) -> Value {
    let there = take
        .iter()
        .filter_map(|(name, path)| Some((name.clone(), path.of(item)?.clone())));
    Value::Object(there.collect())
}

/// What is kept; null when the answer does not have it.
fn captured(capture: &Capture, answer: &Answer, scope: &Scope<'_>) -> Result<Value, CallError> {
    let body = scope.document.map(View::value).unwrap_or_default();
    let body = body.as_ref();
    let found = match capture {
        Capture::Body(places) => places.iter().find_map(|place| place.of(body)).cloned(),
        Capture::Header(name) => {
            let value = answer
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.map(Value::from)
        }
        Capture::Text(template, None) => template.value(scope)?,
        Capture::Text(template, Some(pattern)) => {
            let text = template.text(scope)?;
            let found = pattern.captures(&text).and_then(|found| found.get(1));
            found.map(|found| Value::from(found.as_str()))
        }
        Capture::Each { list, filter, take } => {
            let items = list.of(body).and_then(Value::as_array);
            let holds = |item: &&Value| {
                let filter = filter.as_ref();
                filter.is_none_or(|filter| filter.holds(&scope.over(*item)))
            };
            let kept: Vec<Value> = items
                .into_iter()
                .flatten()
                .filter(holds)
                .map(|item| only(item, take))
                .collect();
            if kept.len() > LIST_ITEMS_MAX {
                let limit = LIST_ITEMS_MAX;
                return Err(CallError::TooLarge { limit });
            }
            Some(Value::Array(kept))
        }
        Capture::First { list, filter, take } => {
            let mut items = list
                .of(body)
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let found = items.find(|item| {
                filter
                    .as_ref()
                    .is_none_or(|filter| filter.holds(&scope.over(*item)))
            });
            found.and_then(|item| take.of(item)).cloned()
        }
    };
    Ok(found.unwrap_or(Value::Null))
}
