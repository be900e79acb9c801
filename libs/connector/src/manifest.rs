//! The parts of a manifest, each read by the file of its name.

pub(crate) mod action;
pub(crate) mod auth;
pub(crate) mod cannot;
pub(crate) mod crawl;
pub(crate) mod feed;
pub(crate) mod http;
pub(crate) mod labels;
pub(crate) mod params;
pub(crate) mod push;
pub(crate) mod step;
pub(crate) mod trial;
