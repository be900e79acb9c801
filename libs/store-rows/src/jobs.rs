//! Which states of jobs a list asks for, as their words.

use event_model::JobState;

/// What errors call a job.
pub const WHAT: &str = "job";

/// The words of the states in which somebody is to work at a job.
pub fn open() -> Vec<&'static str> {
    words(JobState::is_open)
}

/// The words of the states in which a job never goes on.
pub fn over() -> Vec<&'static str> {
    words(JobState::is_over)
}

fn words(is: fn(JobState) -> bool) -> Vec<&'static str> {
    let states = JobState::ALL.iter().copied().filter(|state| is(*state));
    states.map(JobState::word).collect()
}
