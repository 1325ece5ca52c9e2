//! Names of wallets and currencies, as the dialect and the operator spell them.

use crate::projection::{Directory, ListedInstrument};
use loligo_engine::{ContractKind, Currency, InstrumentId, Wallet};

/// The currency of a code in any case; the dialect's `XBT` is `BTC`.
pub(crate) fn currency(code: &str) -> Option<Currency> {
    if code.eq_ignore_ascii_case("xbt") { Currency::parse("BTC") } else { Currency::parse(code) }
}

/// What the flex wallet takes (rules 5.3).
const COLLATERAL: [&str; 17] = [
    "USD", "EUR", "GBP", "CAD", "AUD", "USDT", "USDC", "BTC", "ETH", "SOL", "ADA", "XRP", "LTC", "AAVE",
    "NEAR", "SUI", "TAO",
];

/// Whether the flex wallet takes a currency.
fn is_collateral(currency: Currency) -> bool {
    COLLATERAL.contains(&currency.code())
}

/// Whether a wallet can hold a currency.
pub(crate) fn may_hold(directory: &Directory, wallet: Wallet, currency: Currency) -> bool {
    match wallet {
        Wallet::Cash => is_known(directory, currency),
        Wallet::Flex => is_collateral(currency),
        Wallet::Inverse(pair) => directory.instruments().iter().any(|listed| {
            let spec = listed.instrument.spec();
            let of_wallet = spec.kind == ContractKind::Inverse && listed.instrument.pair() == pair;
            of_wallet && spec.base == currency
        }),
    }
}

/// Whether the exchange has to do with a currency at all.
fn is_known(directory: &Directory, currency: Currency) -> bool {
    let listed = |entry: &ListedInstrument| {
        let spec = entry.instrument.spec();
        spec.base == currency || spec.quote == currency
    };
    is_collateral(currency) || directory.instruments().iter().any(listed)
}

/// Every currency that the exchange has to do with, each once: what cash may hold.
pub(crate) fn known(directory: &Directory) -> Vec<Currency> {
    let collateral = COLLATERAL.iter().filter_map(|code| Currency::parse(code));
    let specs = directory.instruments().iter().map(|listed| listed.instrument.spec());
    let mut all: Vec<Currency> = collateral.chain(specs.flat_map(|spec| [spec.base, spec.quote])).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The wallet of a name, in any case.
pub(crate) fn wallet(directory: &Directory, name: &str) -> Option<Wallet> {
    if name.eq_ignore_ascii_case("cash") {
        Some(Wallet::Cash)
    } else if name.eq_ignore_ascii_case("flex") {
        Some(Wallet::Flex)
    } else {
        inverse(directory, name).map(|(wallet, _)| wallet)
    }
}

/// The inverse wallet of a name such as `fi_xbtusd`, in any case, and the one currency it holds.
pub(crate) fn inverse(directory: &Directory, name: &str) -> Option<(Wallet, Currency)> {
    directory.instruments().iter().find_map(|listed| {
        let spec = listed.instrument.spec();
        let fits = spec.kind == ContractKind::Inverse && inverse_name(&spec.pair).eq_ignore_ascii_case(name);
        fits.then(|| (Wallet::Inverse(listed.instrument.pair()), spec.base))
    })
}

/// The contracts of an inverse wallet's name, in any case, and that name.
pub(crate) fn product(directory: &Directory, name: &str) -> Option<(String, Vec<InstrumentId>)> {
    let (wallet, _) = inverse(directory, name)?;
    let of_wallet = |listed: &&ListedInstrument| {
        let spec = listed.instrument.spec();
        spec.kind == ContractKind::Inverse && wallet == Wallet::Inverse(listed.instrument.pair())
    };
    let contracts = directory.instruments().iter().filter(of_wallet).map(|listed| listed.id).collect();
    Some((name.to_ascii_lowercase(), contracts))
}

/// The name of the wallet of a pair's inverse contracts: `fi_xbtusd` for `XBT:USD`.
pub(crate) fn inverse_name(pair: &str) -> String {
    let mut name = String::from("fi_");
    name.extend(pair.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()));
    name
}
