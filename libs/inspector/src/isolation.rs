use std::fmt;

use serde::{Deserialize, Serialize};

/// What a worker found itself unable to do, by trying.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Isolation {
    /// Its memory and time are limited by the system.
    pub limits: bool,
    /// It could not open a file.
    pub no_files: bool,
    /// It could not open a socket.
    pub no_network: bool,
    /// It could not start a process.
    pub no_processes: bool,
    /// Why something was not refused, when the system would not have it.
    pub trouble: Option<String>,
}

impl Isolation {
    /// Whether everything that a worker does not need is refused to it.
    pub fn is_full(&self) -> bool {
        self.limits && self.no_files && self.no_network && self.no_processes
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = [
            (
                self.limits,
                "limited memory and time",
                "unlimited memory and time",
            ),
            (self.no_files, "no files", "files can be opened"),
            (self.no_network, "no network", "the network can be reached"),
            (
                self.no_processes,
                "no other processes",
                "processes can be started",
            ),
        ];
        let words: Vec<&str> = states
            .iter()
            .map(|(held, yes, no)| if *held { *yes } else { *no })
            .collect();
        f.write_str(&words.join(", "))?;
        match &self.trouble {
            Some(trouble) => write!(f, " ({trouble})"),
            None => Ok(()),
        }
    }
}
