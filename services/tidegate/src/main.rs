//! `tidegate`: see `tidegate --help`.

use std::process::ExitCode;

use clap::Parser;
use tidegate::cli::Command;

fn main() -> ExitCode {
    match Command::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tidegate::say(
                &format!("tidegate: {error:#}"),
                tidegate::cli::Stream::Error,
            );
            ExitCode::FAILURE
        }
    }
}
