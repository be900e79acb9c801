//! A person's session: a cookie that names the user and when it ends, under a MAC. Nothing is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use ring::hmac;

use crate::clock::Moment;
use crate::model::links::Visitor;
use crate::service::Service;

/// A session lasts this long: 12 hours.
pub const SESSION_TTL_S: u64 = 12 * 3_600;
const NAME: &str = "toy_cloud_session";

/// The cookie that signs this user in.
pub(super) fn cookie(service: &Service, visitor: &Visitor) -> HeaderValue {
    let ends = service.ground.clock.now().plus_ms(SESSION_TTL_S * 1_000).0;
    let claims = URL_SAFE_NO_PAD.encode(format!(
        "{}\n{}\n{ends}",
        visitor.tenant_id, visitor.user_id
    ));
    let mac = URL_SAFE_NO_PAD.encode(hmac::sign(&service.session_key, claims.as_bytes()));
    let text =
        format!("{NAME}={claims}.{mac}; Path=/; HttpOnly; SameSite=Lax; Max-Age={SESSION_TTL_S}");
    HeaderValue::try_from(text).expect("base64 and plain words fit into a header")
}

pub(super) fn no_cookie() -> HeaderValue {
    HeaderValue::from_static("toy_cloud_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// Who is signed in.
pub(super) fn visitor(service: &Service, headers: &HeaderMap) -> Option<Visitor> {
    let cookies = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|cookies| cookies.split(';'))
        .map(str::trim);
    let value = pairs.find_map(|pair| pair.strip_prefix(NAME)?.strip_prefix('='))?;
    let (claims, mac) = value.split_once('.')?;
    let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
    hmac::verify(&service.session_key, claims.as_bytes(), &mac).ok()?;
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let mut parts = claims.split('\n');
    let (tenant_id, user_id, ends) = (parts.next()?, parts.next()?, parts.next()?);
    let ends: i64 = ends.parse().ok()?;
    let began = Moment(ends).minus_ms(SESSION_TTL_S * 1_000);
    let good = service.ground.clock.now().0 < ends
        && service.model().is_welcome(tenant_id, user_id, began);
    good.then(|| Visitor {
        tenant_id: tenant_id.to_owned(),
        user_id: user_id.to_owned(),
    })
}
