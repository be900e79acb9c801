//! The settings of the installation, with where each was written. They are changed there, not here.

use askama::Template;
use axum::Extension;
use axum::extract::State;

use super::{Frame, Page, render};
use crate::auth::Session;
use crate::{Setting, Shared};

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings<'s> {
    frame: Frame,
    settings: &'s [Setting],
}

pub(super) async fn page(
    State(console): State<Shared>,
    Extension(session): Extension<Session>,
) -> Page {
    Ok(render(&Settings {
        frame: Frame::new("Settings", "settings", &session),
        settings: &console.config.settings,
    }))
}
