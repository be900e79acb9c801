//! E-mail domains: `example.com` is that domain and no other; `*.example.com` is every domain below it.

/// Domains that a rule names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Domains(Vec<Wanted>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    /// In lower case, without `*`; with the leading dot when only domains below it are meant.
    name: String,
}

impl Domains {
    /// Reads `example.com` or a comma-separated list of domains; the error is what is wrong with it.
    pub(crate) fn parse<'t>(texts: impl Iterator<Item = &'t str>) -> Result<Self, (usize, String)> {
        let mut wanted = Vec::new();
        for (index, text) in texts.enumerate() {
            for domain in text.split(',') {
                wanted.push(Wanted::parse(domain.trim()).map_err(|wrong| (index, wrong))?);
            }
        }
        Ok(Domains(wanted))
    }

    /// Whether the address is of one of the domains; none when it is no e-mail address.
    pub(crate) fn hold(&self, address: &str) -> Option<bool> {
        let domain = domain_of(address)?;
        Some(self.0.iter().any(|wanted| wanted.holds(domain)))
    }

    /// Each domain in lower case, and whether it is meant itself: else those below it are.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&str, bool)> {
        let names = self.0.iter().map(|wanted| wanted.name.as_str());
        names.map(|name| match name.strip_prefix('.') {
            Some(above) => (above, false),
            None => (name, true),
        })
    }

    /// The domains, in lower case; none when all domains below one are meant.
    pub(crate) fn names(&self) -> Option<Vec<&str>> {
        let name = |wanted: &'_ Wanted| !wanted.name.starts_with('.');
        let names = self.0.iter().map(|wanted| wanted.name.as_str());
        self.0.iter().all(name).then(|| names.collect())
    }
}

impl Wanted {
    fn parse(domain: &str) -> Result<Self, String> {
        let name = domain.strip_prefix('*').unwrap_or(domain);
        let starred = name.len() < domain.len();
        let labels = if starred {
            name.strip_prefix('.')
        } else {
            Some(name)
        };
        let sound = labels.is_some_and(|labels| {
            labels.split('.').all(|label| {
                let of_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
                !label.is_empty() && label.chars().all(of_name)
            })
        });
        if domain.is_empty() {
            return Err("a domain is missing".to_owned());
        }
        if !sound {
            let shown = crate::token::cut(domain);
            return Err(format!("`{shown}` is not a domain"));
        }
        Ok(Wanted {
            name: name.to_lowercase(),
        })
    }

    fn holds(&self, domain: &str) -> bool {
        if !self.name.starts_with('.') {
            return same_letters(domain, &self.name);
        }
        let tail = domain.len().checked_sub(self.name.len());
        let tail = tail
            .filter(|start| *start > 0)
            .and_then(|start| domain.get(start..));
        tail.is_some_and(|tail| same_letters(tail, &self.name))
    }
}

/// The domain of an e-mail address; none when it is none.
pub(crate) fn domain_of(address: &str) -> Option<&str> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let sound = !local.is_empty() && !domain.is_empty() && !domain.contains(char::is_whitespace);
    sound.then_some(domain)
}

/// Whether two texts are the same but for the case of their letters.
pub(crate) fn same_letters(one: &str, other: &str) -> bool {
    let fold = |text| str::chars(text).flat_map(char::to_lowercase);
    if one.is_ascii() && other.is_ascii() {
        one.eq_ignore_ascii_case(other)
    } else {
        fold(one).eq(fold(other))
    }
}
