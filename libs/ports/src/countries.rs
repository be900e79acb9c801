use std::net::IpAddr;

/// A country: two letters, ISO 3166-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// The country of these letters, in capitals; none for anything else.
    pub fn new(text: &str) -> Option<Self> {
        let letters: [u8; 2] = text.as_bytes().try_into().ok()?;
        let sound = letters.iter().all(u8::is_ascii_alphabetic);
        sound.then(|| CountryCode(letters.map(|letter| letter.to_ascii_uppercase())))
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("they are ASCII letters")
    }
}

/// Countries by IP address.
pub trait Countries: Send + Sync {
    /// The country of the address, or why it is not known, in a few words. From memory: it neither waits nor fails.
    fn country(&self, address: IpAddr) -> Result<CountryCode, &'static str>;
}

/// No database of countries is set up.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCountries;

impl Countries for NoCountries {
    fn country(&self, _: IpAddr) -> Result<CountryCode, &'static str> {
        Err("no database of countries by IP address is set up")
    }
}
