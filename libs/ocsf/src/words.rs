//! What the name of an event says, in whichever way its service writes names: `FileDownloaded`,
//! `user.lifecycle.create`, `ADD_GROUP_MEMBER`.

/// Longest part of a name that is looked at, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// The words of a name, in lower case.
pub(crate) struct Words(Vec<String>);

impl Words {
    pub(crate) fn of(name: &str) -> Self {
        let name = &name[..name.floor_char_boundary(NAME_BYTES_MAX)];
        let (mut words, mut word, mut before) = (Vec::new(), String::new(), ' ');
        for letter in name.chars() {
            let begins = letter.is_uppercase() && before.is_lowercase();
            if (begins || !letter.is_alphanumeric()) && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            if letter.is_alphanumeric() {
                word.extend(letter.to_lowercase());
            }
            before = letter;
        }
        if !word.is_empty() {
            words.push(word);
        }
        Words(words)
    }

    /// Whether a word begins with one of these; one that ends with `.` is a whole word.
    pub(crate) fn say(&self, stems: &[&str]) -> bool {
        self.0.iter().any(|word| {
            stems.iter().any(|stem| match stem.strip_suffix('.') {
                Some(whole) => word == whole,
                None => word.starts_with(stem),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn a_name_is_read_in_every_spelling() {
        for (name, words) in [
            ("FileDownloaded", &["file", "downloaded"][..]),
            ("user.lifecycle.create", &["user", "lifecycle", "create"]),
            ("ADD_GROUP_MEMBER", &["add", "group", "member"]),
            ("Add member to role.", &["add", "member", "to", "role"]),
            ("2sv_disable", &["2sv", "disable"]),
            ("Add-MailboxPermission", &["add", "mailbox", "permission"]),
            ("", &[]),
        ] {
            assert_eq!(Words::of(name).0, words, "{name}");
        }
        let said = Words::of("address_changed");
        assert!(said.say(&["chang"]) && !said.say(&["add.", "range"]));
    }
}
