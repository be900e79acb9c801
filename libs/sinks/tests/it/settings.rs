use crate::stage::Stage;
use sinks::{SinkSettings, Sinks};

#[tokio::test]
async fn what_is_wrong_with_a_sheet_is_said_by_the_sinks_name() {
    let stage = Stage::set().await;
    let empty = stage.write("empty", "");
    let short = stage.write("short", "whsec_c2hvcnQ=");
    // the sheet => a part of what is said, nothing when it is right
    let rows: &[(&str, &str)] = &[
        ("", ""),
        ("[[sink]]\nname = 'a'\nfile = {path = '/tmp/x'}", ""),
        (
            "[[sink]]\nname = 'a'\nsyslog = {host = 'h', port = 6514, tls = true, format = 'cef'}",
            "",
        ),
        (
            "[[sink]]\nname = 'a b'\nfile = {path = '/tmp/x'}",
            "its name must be",
        ),
        ("[[sink]]\nname = 'a'", "say where it leads"),
        (
            "[[sink]]\nname = 'a'\nstreams = ['incidents', 'activities', 'remedies']\nfile = {path = 'x'}",
            "",
        ),
        (
            "[[sink]]\nname = 'a'\nstreams = []\nfile = {path = 'x'}",
            "names each",
        ),
        (
            "[[sink]]\nname = 'a'\nstreams = ['remedies', 'remedies']\nfile = {path = 'x'}",
            "names each",
        ),
        (
            "[[sink]]\nname = 'a'\nstreams = ['digest']\nfile = {path = 'x'}",
            "`streams` are",
        ),
        (
            "[[sink]]\nname = 'a'\nstreams = ['activities']\nmail = {to = ['a@b.example']}",
            "and nothing else",
        ),
        ("[[sink]]\nname = 'a'\nmail = {to = ['a@b.example']}", ""),
        ("[[sink]]\nname = 'a'\nmail = {to = []}", "1 to 50"),
        (
            "[[sink]]\nname = 'a'\nkafka = {brokers = ['h:9092'], topic = 'casb.ocsf'}",
            "",
        ),
        (
            "[[sink]]\nname = 'a'\nkafka = {brokers = ['h'], topic = 'casb.ocsf'}",
            "is no `host:port`",
        ),
        (
            "[[sink]]\nname = 'a'\nkafka = {brokers = ['h:1'], topic = 'a/b'}",
            "no name of a topic",
        ),
        (
            "[[sink]]\nname = 'a'\nkafka = {brokers = ['h:1'], topic = 'a', user = 'u', mechanism = 'plain', secret_env = 'X'}",
            "in the clear",
        ),
        (
            "[[sink]]\nname = 'a'\nmail = {to = ['a@b.example, c@d.example']}",
            "is no address",
        ),
        (
            "[[sink]]\nname = 'a'\nmail = {to = ['Ada <a@b.example>']}",
            "is no address",
        ),
        (
            "[[sink]]\nname = 'a'\nmail = {to = ['a@b.example'], every_minutes = 5, daily_at = '07:30'}",
            "one of them",
        ),
        (
            "[[sink]]\nname = 'a'\nmail = {to = ['a@b.example'], every_minutes = 1441}",
            "1 to 1440",
        ),
        (
            "[[sink]]\nname = 'a'\nmail = {to = ['a@b.example'], daily_at = '24:30'}",
            "no time of the day",
        ),
        (
            "[[sink]]\nname = 'a'\nmail = {to = ['a@b.example'], at_most = 0}",
            "1 at the least",
        ),
        (
            "[[sink]]\nname = 'a'\nfile = {path = 'x'}\nsyslog = {host = 'h', port = 1}",
            "file and syslog",
        ),
        (
            "[[sink]]\nname = 'a'\nfile = {path = 'x'}\n[[sink]]\nname = 'a'\nfile = {path = 'y'}",
            "the same name",
        ),
        (
            "[[sink]]\nname = 'a'\nfile = {path = 'x', mode = 3}",
            "unknown field `mode`",
        ),
        (
            "[[sink]]\nname = 'a'\nwebhook = {url = 'https://h', secret_env = 'X', tokn = 'x'}",
            "unknown field `tokn`",
        ),
        (
            "[[sink]]\nname = 'a'\nwebhook = {url = 'ftp://h', secret_env = 'X'}",
            "neither http nor https",
        ),
        (
            "[[sink]]\nname = 'a'\nsyslog = {host = 'h', port = 1, facility = 24}",
            "0 to 23",
        ),
        (
            "[[sink]]\nname = 'a'\nsyslog = {host = 'h', port = 1, ca_file = '/x'}",
            "without `tls = true`",
        ),
        (
            "[[sink]]\nname = 'a'\nfile = {path = 'x', format = 'xml'}",
            "unknown variant `xml`",
        ),
        (
            "[[sink]]\nname = 'a'\nwebhook = {url = 'https://h'}",
            "`secret_file` or `secret_env`",
        ),
        (
            "[[sink]]\nname = 'a'\nwebhook = {url = 'https://h', secret_file = '/no/such'}",
            "cannot be read",
        ),
        (
            &format!(
                "[[sink]]\nname = 'a'\nwebhook = {{url = 'https://h', secret_file = '{empty}'}}"
            ),
            "is empty",
        ),
        (
            &format!(
                "[[sink]]\nname = 'a'\nwebhook = {{url = 'https://h', secret_file = '{short}'}}"
            ),
            "fewer than 24",
        ),
        (
            &format!(
                "[[sink]]\nname = 'a'\nsyslog = {{host = 'h', port = 1, tls = true, ca_file = '{empty}'}}"
            ),
            "no certificate",
        ),
    ];
    for (sheet, part) in rows {
        let path = stage.write("sheet.toml", sheet);
        let made = SinkSettings::of_file(path.as_ref())
            .and_then(|settings| Sinks::new(settings, &stage.ports));
        let said = made.err().map(|error| error.to_string());
        match (&said, *part) {
            (None, "") => {}
            (Some(said), part) if !part.is_empty() && said.contains(part) => {}
            _ => panic!("{sheet}: expected `{part}`, said {said:?}"),
        }
    }
}
