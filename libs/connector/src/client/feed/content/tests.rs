use std::io::Write;

use super::*;
use crate::pointer::Pointer;

fn read(content: &Content, body: &[u8], skip: u64, room: usize) -> String {
    let answer = Answer {
        status: http::StatusCode::OK,
        headers: http::HeaderMap::new(),
        body: body.to_vec().into(),
        rest: None,
    };
    match events(content, &answer, skip, room) {
        Ok((events, more)) => {
            let events: Vec<&str> = events.iter().map(|event| event.json.get()).collect();
            format!("{}{}", events.join(" "), if more { " .." } else { "" })
        }
        Err(error) => error.to_string(),
    }
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(body).unwrap();
    packer.finish().unwrap()
}

#[test]
fn a_file_is_read_as_the_manifest_says_whole_or_in_parts() {
    let json = || Content::Json(Pointer::parse("/rows").unwrap());
    let rows: [(Content, &str, u64, usize, &str); 12] = [
        (
            json(),
            r#"{"rows": [{"a":  1}, {"a": 2}]}"#,
            0,
            9,
            r#"{"a":  1} {"a": 2}"#,
        ),
        (
            json(),
            r#"{"rows": [{"a":1}, {"a":2}]}"#,
            0,
            1,
            r#"{"a":1} .."#,
        ),
        (
            json(),
            r#"{"rows": [{"a":1}, {"a":2}]}"#,
            1,
            1,
            r#"{"a":2}"#,
        ),
        (json(), r#"{"rows": null}"#, 0, 9, ""),
        (
            json(),
            r#"{"rows": 7}"#,
            0,
            9,
            "the answer is not in its form: there is no list at `/rows`",
        ),
        (
            Content::JsonLines,
            "{\"a\":1}\r\n\n{\"a\":2}",
            0,
            9,
            r#"{"a":1} {"a":2}"#,
        ),
        (
            Content::JsonLines,
            "{\"a\":1}\n{broken\n",
            0,
            9,
            r#"{"a":1} "{broken""#,
        ),
        (Content::JsonLines, "", 3, 9, ""),
        (
            Content::Csv,
            "a,b\n1,\"x, \"\"y\"\"\nz\"\n,2\n",
            0,
            9,
            r#"{"a":"1","b":"x, \"y\"\nz"} {"b":"2"}"#,
        ),
        (
            Content::Csv,
            "\u{feff}a\n1,2\n3\n4\n",
            1,
            1,
            r#"{"a":"3"} .."#,
        ),
        (
            Content::Csv,
            "a\n1,2\n",
            0,
            9,
            r#"{"a":"1","column_2":"2"}"#,
        ),
        (Content::Csv, "", 0, 9, ""),
    ];
    for (content, body, skip, room, expected) in rows {
        assert_eq!(
            read(&content, body.as_bytes(), skip, room),
            expected,
            "{body}"
        );
        assert_eq!(
            read(&content, &packed(body.as_bytes()), skip, room),
            expected,
            "{body}"
        );
    }
}

#[test]
fn a_file_that_unpacks_to_more_than_is_taken_or_breaks_off_is_refused() {
    let bomb = packed(&vec![b' '; FILE_BYTES_MAX + 1]);
    assert!(bomb.len() < 1_000_000);
    let refused = read(&Content::JsonLines, &bomb, 0, 9);
    assert_eq!(
        refused,
        format!("the answer has more than {FILE_BYTES_MAX} bytes")
    );
    let cut = read(&Content::Csv, &packed(b"a\n1\n")[..12], 0, 9);
    assert_eq!(
        cut,
        "the answer is not in its form: the file cannot be unpacked"
    );
    let wide = "a,".repeat(COLUMNS_MAX + 1);
    let wide = read(&Content::Csv, wide.as_bytes(), 0, 9);
    assert_eq!(
        wide,
        "the answer is not in its form: a table with more than 1000 columns"
    );
}
