//! Passwords: hashed by argon2id in a pool that sign-ins cannot outgrow, and judged by their length.
//!
//! Promises: a check costs the same whether the account exists or not; at most [`CHECKS_MAX`] are made at
//! a time and [`WAITING_MAX`] wait, whatever comes in; a hash made with other parameters is still read.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use event_model::Secret;
use ports::Entropy;
use tokio::sync::Semaphore;

/// Hashes made or checked at a time: each takes a core and the memory of [`PasswordCost`].
const CHECKS_MAX: usize = 2;
/// Checks that wait for one of those; more are refused.
const WAITING_MAX: usize = 64;
/// Shortest password, in characters.
pub(crate) const LENGTH_MIN: usize = 12;
/// Longest password, in bytes: a longer one only costs time.
pub(crate) const BYTES_MAX: usize = 512;
/// Bytes of chance in a salt.
const SALT_BYTES: usize = 16;

/// What a guess costs who has the hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// How often the memory is gone through.
    pub passes: u32,
}

impl PasswordCost {
    /// 19 MiB, twice. Source: OWASP's Password Storage Cheat Sheet, argon2id.
    pub const USUAL: PasswordCost = PasswordCost {
        memory_kib: 19 * 1024,
        passes: 2,
    };
    /// The least that argon2 takes: for tests that are not about passwords.
    pub const LEAST: PasswordCost = PasswordCost {
        memory_kib: Params::MIN_M_COST,
        passes: Params::MIN_T_COST,
    };
}

/// No more checks are taken in at the moment.
#[derive(Debug)]
pub(crate) struct Busy;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    Right,
    /// Right, and its hash should be made anew: the cost is another by now.
    RightAndOld,
    Wrong,
}

/// Hashes and checks.
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    cost: PasswordCost,
    /// Of a password that nobody has: checked where there is no other.
    nobodys: Secret<String>,
    working: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new(cost: PasswordCost, entropy: &dyn Entropy) -> Self {
        let argon2 = argon2(cost);
        let mut unknown = [0; 32];
        entropy.fill(&mut unknown);
        Passwords {
            nobodys: Secret::new(hash(&argon2, &unknown, &salt(entropy))),
            argon2,
            cost,
            working: Arc::new(Semaphore::new(CHECKS_MAX)),
            admitted: Arc::new(Semaphore::new(CHECKS_MAX + WAITING_MAX)),
        }
    }

    /// The hash of a password, with a fresh salt.
    pub(crate) async fn hash(
        &self,
        password: &Secret<String>,
        entropy: &dyn Entropy,
    ) -> Result<Secret<String>, Busy> {
        let (salt, password) = (salt(entropy), password.clone());
        let argon2 = self.argon2.clone();
        self.work(move || Secret::new(hash(&argon2, password.expose().as_bytes(), &salt)))
            .await
    }

    /// Whether the hash is of that password; without a hash it is not, after as much work.
    pub(crate) async fn check(
        &self,
        kept: Option<&Secret<String>>,
        given: &Secret<String>,
    ) -> Result<Checked, Busy> {
        let is_somebodys = kept.is_some();
        let kept = kept.unwrap_or(&self.nobodys).clone();
        let (given, argon2, cost) = (given.clone(), self.argon2.clone(), self.cost);
        let checked = self
            .work(move || check(&argon2, cost, &kept, &given))
            .await?;
        Ok(if is_somebodys {
            checked
        } else {
            Checked::Wrong
        })
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned();
        let admitted = admitted.map_err(|_| Busy)?;
        let permit = Arc::clone(&self.working).acquire_owned().await;
        let permit = permit.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // Given back when the work is done, even if nobody waits for it any more.
            drop((permit, admitted));
            done
        });
        done.await.map_err(|_| Busy)
    }
}

/// What is wrong with a password that somebody chooses; nothing when it may be taken.
pub(crate) fn mistake(name: &str, password: &str) -> Option<String> {
    let letters = password.chars().count();
    if letters < LENGTH_MIN {
        return Some(format!("is shorter than {LENGTH_MIN} characters"));
    }
    if password.len() > BYTES_MAX {
        return Some(format!("is longer than {BYTES_MAX} bytes"));
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 4 {
        return Some("has fewer than four different characters".to_owned());
    }
    let is_name =
        password.to_lowercase().contains(&name.to_lowercase()) && letters < 2 * LENGTH_MIN;
    is_name.then(|| "has your name in it".to_owned())
}

fn argon2(cost: PasswordCost) -> Argon2<'static> {
    let params = Params::new(cost.memory_kib, cost.passes, 1, None);
    let params = params.expect("the costs that there are lie within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn salt(entropy: &dyn Entropy) -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    entropy.fill(&mut salt);
    salt
}

fn hash(argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> String {
    let hash: Result<PasswordHash, _> = argon2.hash_password_with_salt(password, salt);
    hash.expect("password and salt are within argon2's bounds")
        .to_string()
}

fn check(
    argon2: &Argon2<'_>,
    cost: PasswordCost,
    kept: &Secret<String>,
    given: &Secret<String>,
) -> Checked {
    let Ok(hash) = PasswordHash::new(kept.expose()) else {
        return Checked::Wrong;
    };
    // The parameters are those of the hash, not ours: a cost that was changed does not lock anybody out.
    let given = &given.expose().as_bytes()[..given.expose().len().min(BYTES_MAX)];
    if argon2.verify_password(given, &hash).is_err() {
        return Checked::Wrong;
    }
    match Params::try_from(&hash) {
        Ok(made) if (made.m_cost(), made.t_cost()) == (cost.memory_kib, cost.passes) => {
            Checked::Right
        }
        _ => Checked::RightAndOld,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::SeededEntropy;

    #[test]
    fn a_password_is_judged_by_its_length() {
        for (password, wrong) in [
            ("correct horse battery", false),
            ("пароль из слов", false),
            ("12345678901", true),
            ("ada1234567890", true),
            ("ada is a name in a longer sentence", false),
            ("aaaaaaaaaaaaaaaa", true),
            (&"ab cd ".repeat(100), true),
        ] {
            assert_eq!(mistake("ada", password).is_some(), wrong, "{password}");
        }
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_read_and_told() {
        let entropy = SeededEntropy::new(1);
        let dearer = PasswordCost {
            memory_kib: 64,
            passes: 2,
        };
        let (now, before) = (
            Passwords::new(dearer, &entropy),
            Passwords::new(PasswordCost::LEAST, &entropy),
        );
        let text = |text: &str| Secret::new(text.to_owned());
        let given = text("correct horse battery");
        let old = before.hash(&given, &entropy).await.ok().unwrap();
        assert!(old.expose().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        for (of, kept, given, expected) in [
            (&before, Some(&old), given.clone(), Checked::Right),
            (&now, Some(&old), given.clone(), Checked::RightAndOld),
            (
                &now,
                Some(&old),
                text("correct horse batter"),
                Checked::Wrong,
            ),
            (&now, Some(&text("no hash")), given.clone(), Checked::Wrong),
            (&now, None, given.clone(), Checked::Wrong),
        ] {
            assert_eq!(of.check(kept, &given).await.ok(), Some(expected));
        }
    }

    #[tokio::test]
    async fn sign_ins_beyond_the_bound_are_refused_and_do_not_wait() {
        let entropy = SeededEntropy::new(1);
        let passwords = Passwords::new(PasswordCost::LEAST, &entropy);
        let all = u32::try_from(CHECKS_MAX + WAITING_MAX).unwrap();
        let taken = Arc::clone(&passwords.admitted)
            .acquire_many_owned(all)
            .await;
        let given = Secret::new("x".to_owned());
        assert!(passwords.check(None, &given).await.is_err());
        drop(taken);
        assert_eq!(
            passwords.check(None, &given).await.ok(),
            Some(Checked::Wrong)
        );
    }
}
