//! IP addresses and e-mail domains as services write them.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// An address without port, brackets or zone: of `[10.1.2.3]:443`, `10.1.2.3:443`,
/// `[2001:db8::1]:443`, `fe80::1%eth0`.
pub(crate) fn ip(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some((address, zone)) = text.split_once('%') {
        // The name of an interface says nothing outside of its machine.
        let bracket = zone.find(']').filter(|_| address.starts_with('['));
        let (zone, after) = zone.split_at(bracket.unwrap_or(zone.len()));
        let named = zone.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if zone.is_empty() || !named || after.contains('%') {
            return None;
        }
        return ip(&format!("{address}{after}")).filter(IpAddr::is_ipv6);
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    let (inside, after) = text.strip_prefix('[')?.split_once(']')?;
    let port = after.strip_prefix(':').unwrap_or(after);
    let bare = port.bytes().all(|byte| byte.is_ascii_digit());
    inside.parse().ok().filter(|_| bare)
}

/// The same as a text in its usual form.
pub(crate) fn clean(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    // Of version 4 only the usual form is read, so what is read needs no writing.
    if text.parse::<Ipv4Addr>().is_ok() {
        return Some(text);
    }
    ip(&text).map(|ip| ip.to_string().into())
}

/// Whether the e-mail's domain is one of the list: separated by commas or spaces, `*.acme.example`
/// for all below. `None` when there is no domain to judge.
pub(crate) fn is_internal(email: &str, domains: &str) -> Option<bool> {
    let (_, domain) = email.trim().rsplit_once('@')?;
    if domain.is_empty() {
        return None;
    }
    let domain = lower(domain);
    let mut listed = domains
        .split([',', ' ', ';', '\n'])
        .map(|listed| lower(listed.trim().trim_start_matches('@')))
        .filter(|listed| !listed.is_empty());
    Some(listed.any(|listed| {
        match listed.strip_prefix("*.") {
            Some(parent) => domain
                .strip_suffix(parent)
                .is_some_and(|below| below.ends_with('.')),
            None => listed == domain,
        }
    }))
}

/// In lower case; as it is where it is so already.
fn lower(text: &str) -> Cow<'_, str> {
    match text
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_port_and_brackets_and_bad_ones_are_none() {
        let rows = [
            ("203.0.113.7", Some("203.0.113.7")),
            ("[10.11.12.13]:12345", Some("10.11.12.13")),
            ("10.11.12.13:12345", Some("10.11.12.13")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("2001:DB8::1", Some("2001:db8::1")),
            ("[SOMETHING (10.555.1.2)]", None),
            ("10.555.1.2", None),
            ("", None),
            ("[10.0.0.1]x", None),
            ("fe80::1%eth0", Some("fe80::1")),
            ("[fe80::1%en0]:443", Some("fe80::1")),
            ("[FE80::1%12]", Some("fe80::1")),
            ("fe80::1%", None),
            ("fe80::1%eth0 x", None),
            ("10.0.0.1%eth0", None),
            ("%%%%", None),
            ("[fe80::1%a]%b]", None),
            ("[SOMETHING (10.55.1.2)]", None),
            ("10.1.1.1:443", Some("10.1.1.1")),
            ("10.1.1.1:99999", None),
            ("::ffff:10.1.1.1", Some("::ffff:10.1.1.1")),
            ("unknown", None),
        ];
        for (text, expected) in rows {
            assert_eq!(
                ip(text).map(|ip| ip.to_string()).as_deref(),
                expected,
                "{text}"
            );
            assert_eq!(clean(text.into()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_domain_is_internal_when_it_is_listed() {
        let rows = [
            ("a@acme.example", "acme.example", Some(true)),
            ("a@ACME.example", "@Acme.Example, other.example", Some(true)),
            ("a@eu.acme.example", "acme.example", Some(false)),
            ("a@eu.acme.example", "*.acme.example", Some(true)),
            ("a@evilacme.example", "*.acme.example", Some(false)),
            ("nobody", "acme.example", None),
            ("a@", "acme.example", None),
        ];
        for (email, domains, expected) in rows {
            assert_eq!(is_internal(email, domains), expected, "{email} {domains}");
        }
    }
}
