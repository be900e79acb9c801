use connector::{CallError, Disposition, OAuthError};
use ports::AdminError;

/// What an administrator is told when a call to the service failed.
pub(crate) fn service_error(error: CallError) -> AdminError {
    let retry_after = match error.disposition() {
        Disposition::Retry(after) => Some(after),
        Disposition::GiveUp | Disposition::AskAdmin => None,
    };
    let detail = format!("the service did not do its part: {error}");
    AdminError::Service {
        detail,
        retry_after,
    }
}

/// What an administrator is told when the authorization server failed.
pub(crate) fn consent_error(error: OAuthError) -> AdminError {
    match error {
        OAuthError::Throttled { retry_after } => AdminError::Service {
            detail: "the authorization server asks to come again later".into(),
            retry_after: Some(retry_after),
        },
        other => AdminError::ConsentRefused {
            detail: other.to_string(),
        },
    }
}
