//! Seals API secrets before they are journaled, with a random key that stays in the data folder.

use crate::files::{read_bounded, write_atomically};
use crate::identity::{KeyPair, Secret};
use crate::record::StoredSecret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use std::io;
use std::path::Path;

/// The file that holds the key, readable by its owner alone.
const FILE: &str = "secrets.key";

/// More than the file has, so that a longer one is told by its own error.
const KEY_BYTES_MAX: u64 = 4096;

/// Opens and seals secrets.
pub(crate) struct Vault {
    key: RandomizedNonceKey,
    seed: u64,
}

/// Why a vault cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VaultError {
    #[error("{path}: {error}")]
    File { path: String, error: io::Error },
    #[error("{path}: this file must hold exactly 32 bytes")]
    Length { path: String },
    #[error("the operating system gives no randomness")]
    NoRandomness,
}

impl Vault {
    /// The vault of a data folder: its key is made at the first start. Without a folder it lives as long as the process.
    pub(crate) fn open(data: Option<&Path>, seed: u64) -> Result<Self, VaultError> {
        let key = match data {
            None => random()?,
            Some(folder) => {
                let path = folder.join(FILE);
                let fail = |error| VaultError::File { path: path.display().to_string(), error };
                match read_bounded(&path, KEY_BYTES_MAX) {
                    Ok(bytes) => bytes
                        .try_into()
                        .map_err(|_| VaultError::Length { path: path.display().to_string() })?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        let key = random()?;
                        write_atomically(&path, &key, true).map_err(fail)?;
                        key
                    }
                    Err(error) => return Err(fail(error)),
                }
            }
        };
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| VaultError::NoRandomness)?;
        Ok(Self { key, seed })
    }

    /// Seals a pair's secret, bound to its public text.
    pub(crate) fn wrap(&self, pair: &KeyPair) -> Result<StoredSecret, Unspecified> {
        let mut bytes = pair.secret.expose().to_vec();
        let nonce = self.key.seal_in_place_append_tag(Aad::from(pair.api_key.as_bytes()), &mut bytes)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut bytes);
        Ok(StoredSecret::Sealed(sealed))
    }

    /// The secret again; `None` when it was sealed elsewhere or for another key.
    pub(crate) fn unwrap(&self, api_key: &str, stored: &StoredSecret) -> Option<Secret> {
        match stored {
            StoredSecret::Development { place, kind } => {
                Some(KeyPair::development(self.seed, *place, kind).secret)
            }
            StoredSecret::Sealed(sealed) => {
                let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
                let mut bytes = sealed.to_vec();
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let plain = self.key.open_in_place(nonce, Aad::from(api_key.as_bytes()), &mut bytes).ok()?;
                Some(Secret::new(<[u8; 64]>::try_from(&*plain).ok()?))
            }
        }
    }
}

fn random() -> Result<[u8; 32], VaultError> {
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| VaultError::NoRandomness)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_sealed_secret_opens_in_its_own_folder_and_for_its_own_key() {
        let folder = tempfile::tempdir().unwrap();
        let pair = KeyPair::random().unwrap();
        let stored = Vault::open(Some(folder.path()), 1).unwrap().wrap(&pair).unwrap();
        let StoredSecret::Sealed(bytes) = &stored else { panic!("sealed") };
        assert!(!bytes.windows(64).any(|w| w == pair.secret.expose()));

        let again = Vault::open(Some(folder.path()), 1).unwrap();
        assert_eq!(again.unwrap(&pair.api_key, &stored), Some(pair.secret.clone()));
        assert_eq!(again.unwrap("another key", &stored), None);
        let elsewhere = tempfile::tempdir().unwrap();
        assert_eq!(Vault::open(Some(elsewhere.path()), 1).unwrap().unwrap(&pair.api_key, &stored), None);
        assert_eq!(again.unwrap(&pair.api_key, &StoredSecret::Sealed(vec![1, 2, 3])), None);
    }

    #[test]
    fn a_key_file_of_another_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), b"short").unwrap();
        let error = Vault::open(Some(folder.path()), 1).err().expect("refused");
        assert!(error.to_string().contains("32 bytes"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        Vault::open(Some(folder.path()), 1).unwrap();
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
