//! Names of wallets and currencies, as the dialect and the operator spell them.

use crate::projection::{Directory, ListedInstrument};
use loligo_engine::{ContractKind, Currency, Instrument, InstrumentId, Wallet};

/// The currency of a code in any case; the dialect's `XBT` is `BTC`.
pub(crate) fn currency(code: &str) -> Option<Currency> {
    if code.eq_ignore_ascii_case("xbt") { Currency::parse("BTC") } else { Currency::parse(code) }
}

/// Whether a wallet can hold a currency.
pub(crate) fn may_hold(directory: &Directory, wallet: Wallet, currency: Currency) -> bool {
    wallet.may_hold(currency, listed(directory))
}

/// Every currency that the exchange has to do with, each once: what cash may hold.
pub(crate) fn known(directory: &Directory) -> Vec<Currency> {
    loligo_engine::currencies(listed(directory))
}

fn listed(directory: &Directory) -> impl Iterator<Item = &Instrument> {
    directory.instruments().iter().map(|listed| &*listed.instrument)
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
