//! The connector engine: drives a cloud service from its manifest alone.
//!
//! A manifest (`connectors/<service>/connector.yaml`, see `docs/connectors.md`) says how consent is
//! asked for, how activity is pulled and pushed, how an event becomes the 24 fields, how an object is
//! read and what can be done about it. No code knows a service by name.
//!
//! - [`Catalogue`], [`Connector`]: manifests, read once and checked as a whole.
//! - [`Mapper`]: pure; from an event to [`Mapped`] activities, every field with its provenance.
//! - [`Receiver`]: pure; a delivery is [`Verified`] before anything in it is read.
//! - [`Egress`], [`OAuthClient`], [`ServiceClient`]: the calls, guarded.

mod call;
mod catalogue;
mod client;
mod condition;
mod connector;
mod document;
mod egress;
mod jaq;
mod json;
mod lint;
mod manifest;
mod mapping;
mod mistake;
mod node;
mod oauth;
mod pointer;
mod provider;
mod published_keys;
mod receiver;
mod scope;
mod statement;
mod template;
#[cfg(test)]
mod testing;
mod throttle;
mod time;
mod tokens;
mod view;
mod webhook;
mod xml;

pub use call::{CallError, Disposition};
pub use catalogue::Catalogue;
pub use client::{
    ANSWER_BYTES_MAX, Ask, BUDGET_WAIT_MAX, ContentHash, CrawledElement, CrawledPage, Download,
    HashKind, Incoming, KeptContent, LabelFile, Registered, Rehearsal, RehearsedCall,
    ServiceClient, ToKeep, ToldLabel, WebhookOffer, WebhookScope,
};
pub use connector::{Abilities, Connector, MANIFEST_VERSION, ServiceDescription};
pub use egress::{
    ENDPOINTS_MAX, ERROR_BYTES_MAX, Egress, EgressError, EgressOptions, EndpointError, Endpoints,
    REDIRECTS_MAX, Witness, Witnessed,
};
pub use json::{JSON_DEPTH_MAX, NotMappable};
pub use lint::{OPEN_PLACE, Reviewed};
pub use manifest::params::Param;
pub use manifest::push::notice::Notice;
pub use mapping::crawled::CrawlMapper;
pub use mapping::{EXPLODED_MAX, FIELD_BYTES_MAX, Lent, Mapped, Mapper};
pub use mistake::Mistake;
pub use oauth::{OAuthClient, OAuthError, challenge_of, pkce};
pub use provider::{PROVIDER_BYTES_MAX, ProviderCalls};
pub use published_keys::PublishedKeys;
pub use receiver::keys::KeySet;
pub use receiver::{
    Content, DELIVERY_EVENTS_MAX, DELIVERY_ID_BYTES_MAX, Delivery, HandshakeAnswer, Receiver,
    Refused, Verified,
};
pub use statement::{STATEMENT_BYTES_MAX, Unproved, proved_claims};
pub use throttle::PAUSE_MAX;
pub use tokens::{TokenError, TokenSource, TokenUse};
pub use webhook::SecretSource;
