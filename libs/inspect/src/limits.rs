use serde::{Deserialize, Serialize};

/// The bounds of one extraction, over everything nested in the object together.
///
/// Work is counted in units (about one byte looked at once), not in time: the caller puts a wall
/// clock around the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of the object itself; a larger one is not opened.
    pub input_bytes_max: usize,
    /// UTF-8 bytes of text kept.
    pub text_bytes_max: usize,
    /// Bytes that decompression may produce, summed over all members and streams.
    pub expanded_bytes_max: usize,
    /// How many times larger than its compressed form a member may grow, once it is over 10 MiB.
    pub ratio_max: usize,
    /// Containers within containers.
    pub depth_max: usize,
    /// Members of containers, summed.
    pub members_max: usize,
    /// Elements within elements of one XML part.
    pub xml_depth_max: usize,
    /// Pages of a PDF, summed.
    pub pages_max: usize,
    /// Units of work.
    pub work_max: u64,
    /// Pictures collected to be read by somebody else; none when nobody does.
    pub pictures_max: usize,
    /// Bytes of all of them together.
    pub pictures_bytes_max: usize,
    /// Pixels of one of them, or of one of its pages.
    pub picture_pixels_max: u64,
    /// Pages of one of them.
    pub picture_pages_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input_bytes_max: 128 << 20,
            text_bytes_max: 64 << 20,
            expanded_bytes_max: 256 << 20,
            ratio_max: 100,
            depth_max: 10,
            members_max: 10_000,
            xml_depth_max: 1_024,
            pages_max: 10_000,
            work_max: 2 << 30,
            pictures_max: 0,
            pictures_bytes_max: 64 << 20,
            picture_pixels_max: 64 << 20,
            picture_pages_max: 50,
        }
    }
}
