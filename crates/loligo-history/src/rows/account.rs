//! Rows of accounts, which are kept for ever.

use crate::columns::columns;

columns! {
    /// An order at one moment.
    pub struct Order {
        /// Its number.
        number: u64,
        /// It sells.
        sell: bool,
        /// How it trades.
        kind: u8,
        /// Its whole size; absent when what was sent is none.
        qty: Option<i64>,
        /// What was filled of it.
        filled: i64,
        /// Its limit; absent when there is none, or what was sent is none.
        price: Option<i64>,
        /// Only shrinks a position.
        reduce_only: bool,
        /// The client's own name for it.
        client_id: Option<String>,
        /// When it was placed.
        placed_ms: i64,
        /// When it had last changed.
        updated_ms: i64,
    }
}

columns! {
    /// An open order, or a waiting trigger, as the last record left it: what later events say of it alone is not all of it.
    pub struct OpenOrder {
        /// Whose.
        account: u32,
        /// In which contract.
        contract: u32,
        /// The order.
        order: Order,
        /// Of a trigger, where it fires.
        stop: Option<i64>,
    }
}

columns! {
    /// What an update changed of an order, or what an edit would have changed: the rest is as in the order beside it.
    pub struct Earlier {
        /// When it had last changed.
        updated_ms: i64,
        /// Its whole size.
        qty: Option<i64>,
        /// What was filled of it.
        filled: i64,
        /// Its limit.
        price: Option<i64>,
    }
}

columns! {
    /// What was sent of numbers that the contract has not, as text.
    pub struct Asked {
        /// The size.
        qty: Option<String>,
        /// The limit.
        price: Option<String>,
        /// The trigger price.
        stop: Option<String>,
        /// A trailing stop's distance.
        deviation: Option<String>,
        /// A relative limit's distance.
        offset: Option<String>,
    }
}

columns! {
    /// What happened to an order.
    pub struct OrderEvent {
        /// What: one of [`super::kinds`].
        kind: u8,
        /// In which contract; a cancel that found nothing has none.
        contract: Option<u32>,
        /// Why.
        reason: Option<u8>,
        /// The check that refused it.
        error: Option<u8>,
        /// The order afterwards; of a refused edit, as it stays.
        order: Option<Order>,
        /// The order before; of a refused edit, as it was to be.
        old: Option<Earlier>,
        /// What was cut from its size.
        reduced: Option<i64>,
        /// What was sent instead of numbers.
        asked: Asked,
        /// What a cancel named, when it found nothing.
        named: Option<String>,
    }
}

columns! {
    /// A distance from a price.
    pub struct Distance {
        /// How it is counted.
        unit: u8,
        /// How far: hundredths of a percent, or ticks.
        steps: i64,
    }
}

columns! {
    /// A trigger at one moment.
    pub struct Trigger {
        /// Its number, which the order keeps that it becomes.
        number: u64,
        /// It sells.
        sell: bool,
        /// How the order trades that it becomes.
        kind: u8,
        /// Its size.
        qty: Option<i64>,
        /// The limit of the order that it becomes, if that is known.
        price: Option<i64>,
        /// Only shrinks a position.
        reduce_only: bool,
        /// The client's own name for it.
        client_id: Option<String>,
        /// When it was placed.
        placed_ms: i64,
        /// When it had last changed.
        updated_ms: i64,
        /// Where it fires.
        stop: Option<i64>,
        /// Which price it watches.
        signal: Option<u8>,
        /// From which side that comes.
        side: Option<u8>,
        /// How far behind its signal it trails.
        deviation: Option<Distance>,
        /// How far the limit is from the trigger price.
        offset: Option<Distance>,
    }
}

columns! {
    /// What an update changed of a trigger, or what an edit would have changed.
    pub struct EarlierTrigger {
        /// When it had last changed.
        updated_ms: i64,
        /// Its size.
        qty: Option<i64>,
        /// The limit of the order that it becomes.
        price: Option<i64>,
        /// Where it fires.
        stop: Option<i64>,
        /// How far behind its signal it trails.
        deviation: Option<Distance>,
        /// How far the limit is from the trigger price.
        offset: Option<Distance>,
    }
}

columns! {
    /// What happened to a trigger.
    pub struct TriggerEvent {
        /// What: one of [`super::kinds`].
        kind: u8,
        /// In which contract.
        contract: u32,
        /// Why.
        reason: Option<u8>,
        /// The check that refused it.
        error: Option<u8>,
        /// The trigger afterwards; of a refused edit, as it stays.
        trigger: Trigger,
        /// The trigger before; of a refused edit, as it was to be.
        old: Option<EarlierTrigger>,
        /// What was sent instead of numbers.
        asked: Asked,
    }
}

columns! {
    /// One side of a match.
    pub struct Execution {
        /// Its number, which both sides share.
        number: u64,
        /// In which contract.
        contract: u32,
        /// The account's order rested.
        maker: bool,
        /// How many lots.
        qty: i64,
        /// At which price.
        price: i64,
        /// The mark price then.
        mark: Option<String>,
        /// What it was worth, in USD.
        usd_value: String,
        /// It completed the order that rested.
        limit_filled: bool,
        /// The account's order, as it was just before.
        order: Order,
        /// The order before the edit that brought it.
        old: Option<Earlier>,
        /// What was cut from the order when it came.
        reduced: Option<i64>,
        /// What was paid; negative when it was received.
        fee: String,
        /// What that was reckoned at, in hundred-millionths of the value.
        fee_rate: i64,
        /// What was realised, before the fee.
        realized_pnl: String,
        /// The signed position afterwards.
        position: i64,
    }
}

columns! {
    /// A change of a position; sizes are signed.
    pub struct PositionUpdate {
        /// What changed it: one of [`super::causes`].
        cause: u8,
        /// In which contract.
        contract: u32,
        /// The size before.
        old_position: i64,
        /// The size after.
        new_position: i64,
        /// The average entry price before.
        old_entry: Option<String>,
        /// The average entry price after; of a position that was closed, the last it had.
        new_entry: Option<String>,
        /// When the position was opened, if that is known.
        opened_ms: Option<i64>,
        /// What was paid for the change.
        fee: String,
        /// What was realised, before the fee.
        realized_pnl: String,
        /// Funding that was realised.
        realized_funding: String,
        /// The currency of these three.
        currency: String,
        /// The fill's number.
        execution: Option<u64>,
        /// The fill's price, or that of the settlement.
        price: Option<String>,
        /// The fill's size.
        qty: Option<i64>,
        /// How the fill came about.
        role: Option<u8>,
    }
}

columns! {
    /// The terms of a conversion.
    pub struct Conversion {
        /// The spread, in per cent.
        spread: String,
        /// The rate.
        rate: String,
        /// Of which currency.
        rate_from: String,
        /// The fee, in per cent.
        fee: String,
    }
}

columns! {
    /// One leg of a booking. Names stand in lower case.
    pub struct AccountLogEntry {
        /// Its number in the account's log, from 1.
        number: u64,
        /// Why: the word of the log.
        info: String,
        /// What moved: a contract, or a currency.
        asset: String,
        /// In which wallet.
        wallet: String,
        /// How much there was.
        old_balance: String,
        /// How much there is.
        new_balance: String,
        /// The contract it was about.
        contract: Option<u32>,
        /// The currency that carries the position.
        collateral: Option<String>,
        /// The fill's number, or that of what else brought it about.
        execution: Option<u64>,
        /// Of a contract: the average entry price before.
        old_entry: Option<String>,
        /// Of a contract: the average entry price after.
        new_entry: Option<String>,
        /// The price of the trade.
        trade_price: Option<String>,
        /// The mark price then.
        mark: Option<String>,
        /// What was realised, before the fee.
        realized_pnl: Option<String>,
        /// What was paid.
        fee: Option<String>,
        /// The absolute rate of a funding.
        funding_rate: Option<String>,
        /// Funding that was realised.
        realized_funding: Option<String>,
        /// What a liquidation cost besides the fee.
        liquidation_fee: Option<String>,
        /// The terms of a conversion.
        conversion: Option<Conversion>,
    }
}
