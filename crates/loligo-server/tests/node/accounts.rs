//! Accounts, keys and ids: what is kept, what is the same on every venue of a seed, and what is nobody's to read.

use super::{ALICE, BOB, in_folder, live};
use loligo_engine::{AccountId, Currency, Money, OrderId, Wallet};
use loligo_server::config::{Config, IdentitySource};
use loligo_server::identity::KeyPair;
use loligo_server::node::{AccountError, OpenAccount, StartError, spawn};
use loligo_server::record::{GeneralRight, WithdrawalRight};
use tempfile::TempDir;

#[tokio::test]
async fn accounts_and_keys_survive_and_secrets_are_not_in_the_journal() {
    let folder = TempDir::new().unwrap();
    let node = spawn(&in_folder(folder.path())).unwrap();
    let usd = Money(100_000 * Money::ONE);
    let wanted = OpenAccount {
        name: Some("zed".to_owned()),
        parent: None,
        deposits: vec![(Wallet::Flex, Currency::USD, usd)],
    };
    let opened = node.handle().open_account(wanted.clone()).await.unwrap();
    let more = node.handle().create_key(opened.id, GeneralRight::None, WithdrawalRight::Full).await.unwrap();
    let again = node.handle().open_account(wanted).await.unwrap_err();
    assert!(matches!(again, AccountError::Registry(_)), "a name is given once: {again}");
    node.stop();

    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for secret in [&opened.full.secret, &opened.read_only.secret, &more.secret] {
                assert!(!bytes.windows(64).any(|window| window == secret.expose()), "{}", path.display());
            }
        }
    }
    let node = spawn(&in_folder(folder.path())).unwrap();
    let directory = node.handle().views().directory();
    for (issued, general) in [
        (&opened.full, GeneralRight::Full),
        (&opened.read_only, GeneralRight::ReadOnly),
        (&more, GeneralRight::None),
    ] {
        let key = directory.key(&issued.api_key).unwrap();
        assert_eq!((key.id, key.account, key.general), (issued.id, opened.id, general));
        assert_eq!(key.secret, issued.secret);
    }
    assert_eq!(directory.account(opened.id).unwrap().name.as_deref(), Some("zed"));
    assert_eq!(directory.account(opened.id).unwrap().uid, opened.uid);
    let wallets = node.handle().query(move |exchange| exchange.wallets(opened.id)).await.unwrap();
    assert_eq!(wallets.iter().find(|w| w.wallet == Wallet::Flex).unwrap().balances, [(Currency::USD, usd)]);
    node.stop();

    std::fs::remove_file(folder.path().join("secrets.key")).unwrap();
    let error = spawn(&in_folder(folder.path())).err().expect("refused");
    assert!(matches!(error, StartError::SealedElsewhere { .. }), "{error}");
}

#[tokio::test]
async fn an_account_holds_fifty_keys_at_most() {
    let node = spawn(&Config { accounts: 2, ..Config::test() }).unwrap();
    let key = || node.handle().create_key(ALICE, GeneralRight::Full, WithdrawalRight::None);
    for _ in 0..48 {
        key().await.unwrap();
    }
    let error = key().await.unwrap_err();
    assert_eq!(error.to_string(), "an account holds at most 50 keys");
    let unknown = node.handle().create_key(AccountId(99), GeneralRight::Full, WithdrawalRight::None).await;
    assert_eq!(unknown.unwrap_err().to_string(), "no such account");
    node.handle().create_key(BOB, GeneralRight::Full, WithdrawalRight::None).await.unwrap();
}

#[tokio::test]
async fn development_accounts_are_the_same_on_every_venue_of_a_seed() {
    let (one, two) = (spawn(&Config::test()).unwrap(), spawn(&live(Config::test())).unwrap());
    let (a, b) = (one.development_accounts(), two.development_accounts());
    assert_eq!(a.len(), 10);
    for (a, b) in a.iter().zip(&b) {
        assert_eq!((a.uid, &a.name, &a.full, &a.read_only), (b.uid, &b.name, &b.full, &b.read_only));
        let directory = two.handle().views().directory();
        let key = directory.key(&a.full.api_key).unwrap();
        assert_eq!((key.account, &key.secret), (a.id, &a.full.secret));
        assert_eq!(directory.account(a.id).unwrap().name.as_deref(), Some(a.name.as_str()));
    }
    assert_eq!(a[0].name, "alice");
    let wallets = one.handle().query(|exchange| exchange.wallets(ALICE)).await.unwrap();
    let flex = wallets.iter().find(|w| w.wallet == Wallet::Flex).unwrap();
    assert_eq!(flex.balances, [(Currency::USD, Money(1_000_000 * Money::ONE))]);
    // A tenth of the balance at the first index: 100,000 USD at 80,000 are 1.25 BTC; four inverse wallets in all.
    let inverse: Vec<_> = wallets.iter().filter(|w| matches!(w.wallet, Wallet::Inverse(_))).collect();
    assert_eq!(inverse.len(), 4);
    let btc = Currency::parse("BTC").unwrap();
    assert!(inverse.iter().any(|w| w.balances == [(btc, Money(125_000_000_000))]), "{inverse:?}");
}

#[tokio::test]
async fn random_ids_are_kept_with_the_venue_and_differ_from_the_seeds() {
    let folder = TempDir::new().unwrap();
    let config = Config { identity: IdentitySource::Random, ..in_folder(folder.path()) };
    let node = spawn(&config).unwrap();
    let uuid = node.handle().identity().order_uuid(OrderId(1));
    node.stop();
    let node = spawn(&config).unwrap();
    assert_eq!(node.handle().identity().order_uuid(OrderId(1)), uuid);
    let seeded = spawn(&Config::test()).unwrap();
    assert_ne!(seeded.handle().identity().order_uuid(OrderId(1)), uuid);
    assert_eq!(seeded.handle().identity().order_id(uuid), None);
}

#[test]
fn keys_of_two_seeds_differ() {
    assert_ne!(KeyPair::development(1, 0, "full"), KeyPair::development(2, 0, "full"));
}
