//! The programs that users act with, in the words of FileCloud's `_request.agent`.

/// What stands in a `User-Agent` header, in lower case, and the word for it. The first that is found counts:
/// programs that have a browser's words in their header stand before the browsers.
const MARKS: &[(&str, &str)] = &[
    ("cloud drive", "Cloud Drive"),
    ("fileclouddrive", "Cloud Drive"),
    ("clouddrive", "Cloud Drive"),
    ("cloud sync", "Cloud Sync"),
    ("cloudsync", "Cloud Sync"),
    ("outlook", "MS Outlook"),
    ("microsoft office", "MS Office"),
    ("ms-office", "MS Office"),
    ("msoffice", "MS Office"),
    ("iphone", "iOS"),
    ("ipad", "iOS"),
    ("cfnetwork", "iOS"),
    ("android", "Android"),
    ("mozilla/", "Web browser"),
    ("opera/", "Web browser"),
];

/// Longest part of a header that is looked at, in bytes.
const HEADER_BYTES_MAX: usize = 1024;

/// The word for a `User-Agent` header: `Web browser`, `Android`, `iOS`, `MS Outlook`, `MS Office`, `Cloud Drive`,
/// `Cloud Sync`, or `Unknown`. A browser on a telephone is `Android` or `iOS`.
pub fn agent_of(header: &str) -> &'static str {
    let bytes = header.as_bytes();
    let bytes = &bytes[..bytes.len().min(HEADER_BYTES_MAX)];
    let has = |mark: &str| {
        let mut windows = bytes.windows(mark.len());
        windows.any(|window| window.eq_ignore_ascii_case(mark.as_bytes()))
    };
    let found = MARKS.iter().find(|(mark, _)| has(mark));
    found.map_or("Unknown", |(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::agent_of;

    #[test]
    fn a_header_has_its_word() {
        let rows = [
            (
                "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36",
                "Web browser",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile",
                "Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)",
                "iOS",
            ),
            (
                "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0)",
                "MS Outlook",
            ),
            (
                "Microsoft Office/16.0 (Windows NT 10.0; Word 16.0)",
                "MS Office",
            ),
            ("FileCloudDrive2 23.1", "Cloud Drive"),
            ("Cloud Drive", "Cloud Drive"),
            ("curl/8.9", "Unknown"),
            ("", "Unknown"),
        ];
        for (header, word) in rows {
            assert_eq!(agent_of(header), word, "{header}");
        }
    }
}
