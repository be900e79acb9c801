//! The frame of the kit's pages: one file each, nothing loaded from anywhere, also fit for paper.

/// A text as it may stand in HTML, in an attribute too.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A whole page. `body` is HTML already; the others are texts.
pub(crate) fn page(title: &str, kicker: &str, body: &str) -> String {
    let (title, kicker) = (escaped(title), escaped(kicker));
    format!(
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{title}</title><style>{STYLE}</style></head><body><header><p class=kicker>{kicker}</p><h1>{title}</h1></header>\
         <main>{body}</main><footer>Made by <code>tidegate connector</code>. This page holds no secrets: tokens, addresses of people and contents are left out.</footer></body></html>\n"
    )
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#16202c;--soft:#5b6b7c;--line:#dfe5ec;--paper:#fff;--wash:#f5f7fa;--met:#0b7a53;--met-wash:#e4f5ee;--not:#b3261e;--not-wash:#fceceb;--open:#8a5a00;--open-wash:#fdf3df;--link:#1b5fae;--native:#1b5fae;--derived:#5a8fd0;--config:#9a7bd0;--enriched:#2e9c8f}\
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf1;--soft:#9aa8b8;--line:#2b3745;--paper:#10161d;--wash:#18212b;--met:#5cd6a8;--met-wash:#12352a;--not:#ff9a92;--not-wash:#3c1a18;--open:#f0c15c;--open-wash:#3a2d10;--link:#7db4f5}}\
*{box-sizing:border-box}body{margin:0 auto;max-width:68rem;padding:2.5rem 1.5rem 3rem;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\
h1{font-size:1.9rem;line-height:1.2;margin:.1rem 0 0;letter-spacing:-.01em}h2{font-size:1.2rem;margin:2.4rem 0 .7rem}.kicker{margin:0;color:var(--soft);font-size:.85rem;letter-spacing:.06em;text-transform:uppercase}\
.lead{color:var(--soft);max-width:46rem}code{font:.86em ui-monospace,'SF Mono',Menlo,Consolas,monospace;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%;font-size:.92rem}table.narrow{width:auto;min-width:20rem}th{text-align:left;font-weight:600;color:var(--soft);font-size:.78rem;letter-spacing:.03em;text-transform:uppercase;padding:.4rem .6rem;border-bottom:2px solid var(--line)}td{padding:.42rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}.n{text-align:right;font-variant-numeric:tabular-nums}.none{color:var(--soft);opacity:.55}.why{color:var(--soft)}\
.bar{display:inline-block;width:6rem;height:.6rem;margin-right:.5rem;border-radius:.3rem;background:var(--line);overflow:hidden;white-space:nowrap;font-size:0;vertical-align:middle}.bar i{display:inline-block;height:100%}.bar .native{background:var(--native)}.bar .derived{background:var(--derived)}.bar .config{background:var(--config)}.bar .enriched{background:var(--enriched)}\
.sum{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.4rem 0 0;padding:0;list-style:none}.sum li{flex:1 1 9rem;padding:.8rem 1rem;border-radius:.7rem;background:var(--wash)}.sum b{display:block;font-size:1.9rem;line-height:1.1;font-variant-numeric:tabular-nums}.sum .met{background:var(--met-wash);color:var(--met)}.sum .not-met{background:var(--not-wash);color:var(--not)}.sum .not-testable{background:var(--open-wash);color:var(--open)}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.2rem;margin:1.4rem 0 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\
.row{display:grid;grid-template-columns:3.2rem 1fr 8.2rem;gap:.2rem 1rem;padding:1rem 0;border-bottom:1px solid var(--line);break-inside:avoid}.row>.id{color:var(--soft);font-variant-numeric:tabular-nums;padding-top:.1rem}.row h3{margin:0;font-size:1rem}.row p{margin:.25rem 0 0;color:var(--soft)}.row .what{color:var(--ink)}\
.badge{justify-self:end;align-self:start;padding:.15rem .7rem;border-radius:1rem;font-size:.82rem;font-weight:600;white-space:nowrap}.badge.met{background:var(--met-wash);color:var(--met)}.badge.not-met{background:var(--not-wash);color:var(--not)}.badge.not-testable{background:var(--open-wash);color:var(--open)}\
details{margin-top:.5rem}summary{cursor:pointer;color:var(--link);font-size:.88rem}.call{margin:.5rem 0 0;padding:.55rem .8rem;border-radius:.5rem;background:var(--wash);font-size:.86rem}.call .status{float:right;color:var(--soft)}.call pre{margin:.4rem 0 0;white-space:pre-wrap;overflow-wrap:anywhere;color:var(--soft);font:.86em/1.45 ui-monospace,Menlo,Consolas,monospace}\
footer{margin-top:3rem;color:var(--soft);font-size:.85rem}@media(max-width:40rem){.row{grid-template-columns:2.6rem 1fr}.row .badge{grid-column:2;justify-self:start}}@media print{body{padding:0;max-width:none}details{display:none}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_becomes_markup() {
        let rows = [
            ("<b>", "&lt;b&gt;"),
            ("a&b", "a&amp;b"),
            ("\" onclick='x'", "&quot; onclick=&#39;x&#39;"),
            ("plain", "plain"),
        ];
        for (text, expected) in rows {
            assert_eq!(escaped(text), expected);
        }
        assert!(page("<x>", "<y>", "").contains("<title>&lt;x&gt;</title>"));
    }
}
