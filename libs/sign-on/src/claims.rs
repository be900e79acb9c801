//! What a statement says, once its signature holds. Source: OpenID Connect Core 1.0, section 3.1.3.7.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use event_model::{Account, Subject};
use serde_json::Value;

use crate::SignOnSettings;

/// How much the clocks of the provider and of Tidegate may differ.
const CLOCKS_DIFFER_MAX: TimeDelta = TimeDelta::seconds(60);
/// A statement that was made longer ago is of another sign-in.
const AGE_MAX: TimeDelta = TimeDelta::minutes(10);
/// Longest subject, in bytes. Source: OpenID Connect Core 1.0, section 2.
const SUBJECT_BYTES_MAX: usize = 255;

/// Who the claims say it is.
///
/// # Errors
/// Why they are not taken.
pub(crate) fn subject_of(
    claims: &Value,
    settings: &SignOnSettings,
    nonce: &str,
    now: DateTime<Utc>,
) -> Result<Subject, &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(&settings.issuer) {
        return Err("it is of another issuer");
    }
    let audience: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let own = settings.client_id.as_str();
    if !audience.contains(&own) {
        return Err("it is for somebody else");
    }
    // For several: it must say that it was made for us.
    let authorized = text("azp");
    if authorized.is_some_and(|party| party != own) || (audience.len() > 1 && authorized.is_none())
    {
        return Err("it was made for somebody else");
    }
    // Digests need not be compared: who sends the nonce here knows it.
    if text("nonce") != Some(nonce) {
        return Err("it is of another sign-in");
    }
    let moment = |name: &str| {
        let seconds = claims.get(name)?.as_f64()?;
        DateTime::<Utc>::from_timestamp(seconds as i64, 0)
    };
    let (Some(made), Some(ends)) = (moment("iat"), moment("exp")) else {
        return Err("it does not say when it was made and when it ends");
    };
    let begins = moment("nbf").unwrap_or(made);
    if made - now > CLOCKS_DIFFER_MAX || begins - now > CLOCKS_DIFFER_MAX {
        return Err("it is not valid yet: do the clocks differ?");
    }
    if now - ends >= CLOCKS_DIFFER_MAX || now - made > AGE_MAX {
        return Err("it is not valid any more: do the clocks differ?");
    }
    let subject = text("sub").unwrap_or_default();
    if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX {
        return Err("it does not say who it is");
    }
    Ok(Subject {
        issuer: settings.issuer.clone(),
        subject: subject.to_owned(),
    })
}

/// The groups, bounded in number and length; what is no text is left out.
pub(crate) fn groups_of(claims: &Value, claim: &str) -> BTreeSet<String> {
    let given: Vec<&str> = match claims.get(claim) {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => Vec::new(),
    };
    let is_group = |group: &&str| {
        (1..=Account::GROUP_BYTES_MAX).contains(&group.len())
            && !group.chars().any(char::is_control)
    };
    let groups = given.into_iter().filter(is_group).map(str::to_owned);
    groups.take(Account::GROUPS_MAX).collect()
}

/// Whether the provider says in so many words that a second factor was proved. What the settings do not name
/// proves nothing.
pub(crate) fn has_second_factor(claims: &Value, settings: &SignOnSettings) -> bool {
    let methods = claims.get("amr").and_then(Value::as_array);
    let mut methods = methods.into_iter().flatten().filter_map(Value::as_str);
    let class = claims.get("acr").and_then(Value::as_str);
    methods.any(|method| settings.second_factor_methods.contains(method))
        || class.is_some_and(|class| settings.second_factor_classes.contains(class))
}

/// A name that can be one here, of what the provider calls them: what is no letter of a name is left out.
pub(crate) fn name_of(claims: &Value, claim: &str) -> String {
    let given = claims.get(claim).and_then(Value::as_str);
    let given = given.or_else(|| claims.get("email").and_then(Value::as_str));
    let letters = given.unwrap_or_default().chars();
    let kept = letters.filter(|letter| letter.is_ascii_alphanumeric() || "._-+@".contains(*letter));
    let name: String = kept.take(Account::NAME_BYTES_MAX).collect();
    name.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_second_factor_is_what_the_provider_says_in_the_words_of_the_settings() {
        let settings = json!({"name": "a", "issuer": "https://a", "client_id": "a", "second_factor_classes": ["gold"]});
        let settings: SignOnSettings = serde_json::from_value(settings).unwrap();
        for (claims, proved) in [
            (json!({}), false),
            (json!({"amr": ["pwd"]}), false),
            (json!({"amr": ["pwd", "mfa"]}), true),
            (json!({"amr": "mfa"}), false),
            (json!({"amr": [1, null]}), false),
            (json!({"acr": "gold"}), true),
            (json!({"acr": "0"}), false),
        ] {
            assert_eq!(has_second_factor(&claims, &settings), proved, "{claims}");
        }
    }

    #[test]
    fn names_and_groups_of_a_hostile_provider_are_bounded() {
        for (given, name) in [
            ("ada", "ada"),
            ("ada lovelace", "adalovelace"),
            ("<script>alert(1)</script>", "scriptalert1script"),
            ("..ada\r\nset-cookie", "adaset-cookie"),
            ("администратор", ""),
        ] {
            assert_eq!(
                name_of(
                    &json!({ "preferred_username": given }),
                    "preferred_username"
                ),
                name
            );
        }
        assert_eq!(
            name_of(&json!({ "email": "a@b.c" }), "preferred_username"),
            "a@b.c"
        );
        let long = "x".repeat(500);
        let many: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        for (given, count) in [
            (json!("soc"), 1),
            (json!(["a", 1, null, "", "b\n", long]), 1),
            (json!(many), 200),
            (json!({ "a": 1 }), 0),
        ] {
            assert_eq!(
                groups_of(&json!({ "groups": given }), "groups").len(),
                count
            );
        }
    }
}
