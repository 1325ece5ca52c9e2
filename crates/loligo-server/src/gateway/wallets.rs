//! Names of wallets and currencies, as the dialect and the operator spell them.

use crate::projection::Directory;
use loligo_engine::{ContractKind, Currency, Wallet};

/// The currency of a code in any case; the dialect's `XBT` is `BTC`.
pub(crate) fn currency(code: &str) -> Option<Currency> {
    if code.eq_ignore_ascii_case("xbt") { Currency::parse("BTC") } else { Currency::parse(code) }
}

/// The inverse wallet of a name such as `fi_xbtusd`, in any case, and the one currency it holds.
pub(crate) fn inverse(directory: &Directory, name: &str) -> Option<(Wallet, Currency)> {
    directory.instruments().iter().find_map(|listed| {
        let spec = listed.instrument.spec();
        let fits = spec.kind == ContractKind::Inverse && inverse_name(&spec.pair).eq_ignore_ascii_case(name);
        fits.then(|| (Wallet::Inverse(listed.instrument.pair()), spec.base))
    })
}

/// The name of the wallet of a pair's inverse contracts: `fi_xbtusd` for `XBT:USD`.
pub(crate) fn inverse_name(pair: &str) -> String {
    let mut name = String::from("fi_");
    name.extend(pair.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()));
    name
}
