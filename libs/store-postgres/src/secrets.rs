//! What must not be shown, sealed and bound to its row: see `store_rows::sealed`.

mod client_secrets;
mod consents;
mod grants;
mod webhook_secrets;
