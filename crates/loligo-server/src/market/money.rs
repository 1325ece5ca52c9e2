//! The house's margin wallet: seats that run low are topped up, so that the market never stops for want of margin.

use super::Participants;
use loligo_engine::{Command, ContractKind, Currency, Deposit, Exchange, Fine, FinePrice, Money, Wallet};

/// A seat gets this much, in USD...
const TARGET_USD: i128 = 50_000_000;
/// ...when it has less than this free.
const LOW_USD: i128 = 20_000_000;

pub(super) fn top_up(participants: Participants, exchange: &Exchange, commands: &mut Vec<Command>) {
    let Some(instrument) = exchange.instrument(participants.instrument) else { return };
    let (wallet, currency, target, low) = match instrument.spec().kind {
        ContractKind::Linear => {
            (Wallet::Flex, Currency::USD, Money(TARGET_USD * Money::ONE), Money(LOW_USD * Money::ONE))
        }
        ContractKind::Inverse => {
            let Some(index) = exchange.market(participants.instrument).and_then(|market| market.index) else {
                return;
            };
            (
                Wallet::Inverse(instrument.pair()),
                instrument.settlement(),
                in_base(TARGET_USD, index),
                in_base(LOW_USD, index),
            )
        }
    };
    for account in [participants.maker, participants.taker] {
        let held = exchange.wallets(account).into_iter().find(|held| held.wallet == wallet);
        let free = held.map_or(Fine::ZERO, |held| held.available());
        if free < low.fine() {
            commands.push(Command::Deposit(Deposit { account, wallet, currency, amount: target }));
        }
    }
}

/// What so many USD are worth in a base currency at its index.
fn in_base(usd: i128, index: FinePrice) -> Money {
    // 5e7 at 11 and 18 decimals has 37 digits: it fits.
    Money(usd * Money::ONE * 10_i128.pow(18) / index.0.max(1))
}
