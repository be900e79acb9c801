//! The detectors that come with Tidegate, one file per family. To add one: write its [`Detector`]
//! in its family's file, name it in [`BUILT_IN`], and add rows, near misses first, to
//! `tests/detect.txt`.

mod bank;
mod cloud;
mod contact;
mod digits;
mod identity;
mod payment;
mod private_key;
mod services;
mod token;

use crate::Detector;

/// Every built-in detector.
pub(crate) const BUILT_IN: &[&Detector] = &[
    &payment::CREDIT_CARD,
    &bank::IBAN,
    &identity::US_SSN,
    &contact::EMAIL,
    &private_key::PRIVATE_KEY,
    &cloud::AWS_ACCESS_KEY,
    &cloud::GCP_SERVICE_ACCOUNT_KEY,
    &cloud::GOOGLE_API_KEY,
    &cloud::AZURE_STORAGE_KEY,
    &services::GITHUB_TOKEN,
    &services::SLACK_TOKEN,
    &services::STRIPE_KEY,
];
