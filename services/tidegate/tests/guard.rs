//! Access policies on what the vault holds, with the real binary: on the socket, in protected files and on
//! the mount. Programs are hard links to the binary, so that policies can tell them apart.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as the tests do"
)]

#[path = "guard/mount.rs"]
mod mount;
#[path = "guard/protect.rs"]
mod protect;
#[path = "guard/socket.rs"]
mod socket;
#[path = "guard/stage.rs"]
mod stage;
#[path = "guard/watch.rs"]
mod watch;
