//! The detectors that come with Tidegate, one file per family. To add one: write its [`Detector`]
//! in its family's file, name it in [`built_in`], and add rows, near misses first, to
//! `tests/detect.txt`.

mod americas;
mod asia_africa;
mod assigned;
mod bank;
mod cloud;
mod contact;
mod credentials;
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
mod structured;
mod token;
mod tokens;
mod western_europe;

pub(crate) use digits::{continues_after, continues_before};
pub(crate) use token::{is_random, stands_for_a_secret};
pub(crate) use tokens::Token;

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
        tokens::development::TOKENS,
        tokens::intelligence::TOKENS,
        tokens::commerce::TOKENS,
        credentials::CREDENTIALS,
        structured::KEYS,
        assigned::vendors::KEYS,
    ];
    FIRST
        .iter()
        .copied()
        .chain(tables.into_iter().flatten())
        .chain(LAST.iter().copied())
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

/// What is reported only where nothing else is.
const LAST: &[&Detector] = &[&assigned::PASSWORD, &assigned::GENERIC_SECRET];
