//! The detectors that come with Tidegate, one file per family. To add one: write its [`Detector`]
//! in its family's file, name it in [`built_in`], and add rows, near misses first, to
//! `tests/detect.txt`.

mod americas;
mod asia_africa;
mod bank;
mod cloud;
mod contact;
mod digits;
mod eastern_europe;
mod finance;
mod identity;
mod network;
mod number;
mod payment;
mod private_key;
mod services;
mod south_asia;
mod southern_europe;
mod token;
mod tokens;
mod western_europe;

pub(crate) use digits::{continues_after, continues_before};
pub(crate) use tokens::verify as token;

use crate::Detector;

/// Every built-in detector. Of two that fit one value equally well the first is reported.
pub(crate) fn built_in() -> Vec<&'static Detector> {
    let tables = [
        western_europe::NUMBERS,
        southern_europe::NUMBERS,
        eastern_europe::NUMBERS,
        americas::NUMBERS,
        south_asia::NUMBERS,
        asia_africa::NUMBERS,
        finance::WALLETS,
        finance::NUMBERS,
        tokens::platforms::TOKENS,
        tokens::applications::TOKENS,
    ];
    FIRST
        .iter()
        .copied()
        .chain(tables.into_iter().flatten())
        .collect()
}

/// Detectors with verifiers of their own.
const FIRST: &[&Detector] = &[
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
    &network::PHONE,
    &network::IP_ADDRESS,
    &network::MAC_ADDRESS,
];
