//! Signing in at a provider of identities by OpenID Connect: authorization code with PKCE, state and nonce.
//!
//! Promises: a statement is taken only if its signature holds under a key that the provider publishes now,
//! and issuer, audience, nonce and times are right; everything that the provider answers is bounded, and it
//! is called over the guarded way out only; who has no role by the settings does not come in.
//!
//! Sources: OpenID Connect Core 1.0 sections 3.1 and 3.1.3.7, Discovery 1.0 section 4, RFC 7636.

mod claims;
mod provider;
mod settings;

pub use provider::Provider;
pub use settings::{SettingMistake, SignOnSettings};
