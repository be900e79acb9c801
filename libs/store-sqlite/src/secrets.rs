//! What must not be shown, sealed and bound to its row: a sealed value copied to another row does
//! not open there.

mod client_secrets;
mod consents;
mod grants;
mod webhook_secrets;

use event_model::Secret;
use ports::StoreError;
use sealing::NONCE_BYTES;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::SqliteStore;
use crate::failure::corrupt;

impl SqliteStore {
    fn seal<T: Serialize>(&self, context: &str, value: &T) -> Vec<u8> {
        let plain = serde_json::to_vec(value).expect("what is sealed has no failing Serialize");
        let mut nonce = [0; NONCE_BYTES];
        self.entropy.fill(&mut nonce);
        self.sealer.seal(context, &plain, nonce)
    }

    fn unseal<T: DeserializeOwned>(&self, context: &str, sealed: &[u8]) -> Result<T, StoreError> {
        let plain = self
            .sealer
            .open(context, sealed)
            .map_err(corrupt("secret"))?;
        // The parser's message could quote what it read.
        serde_json::from_slice(&plain).map_err(|_| corrupt("secret")("it has another form"))
    }
}

fn exposed(secret: &Secret<String>) -> String {
    secret.expose().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads what was once written, and writes it as it was.
    fn survives<T: Serialize + DeserializeOwned>(written: &str) {
        let read: T = serde_json::from_str(written).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
    }

    #[test]
    fn what_was_sealed_before_is_still_read() {
        survives::<grants::SealedTokens>(
            r#"{"access_token":"a","refresh_token":null,"expires_at_us":60000000,"scope":"files"}"#,
        );
        survives::<webhook_secrets::SealedSecret>(r#"{"secret":"s","not_after_us":null}"#);
        survives::<consents::SealedConsent>(
            r#"{"connection_id":"conn_01HF7YAM6800000000000000G1","code_verifier":"v","redirect_uri":"http://here","expires_at_us":60000000}"#,
        );
    }
}
