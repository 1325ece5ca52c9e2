//! Answers to questions about the exchange's state. Views are copies: asking changes nothing.

use crate::funding::FundingRate;
use crate::id::{AccountId, Currency, InstrumentId, Price, Qty, Timestamp, Wallet};
use crate::instrument::Leverage;
use crate::money::{Fine, FinePrice, Money};
use crate::past::PastTrade;
use crate::words::{Dislocation, MarketState, OrderError, SelfTradeStrategy};

/// Prices and state of one contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketView {
    /// How it trades now.
    pub state: MarketState,
    /// What the operator or the calendar made of it, however old its index is.
    pub trading: MarketState,
    /// The pair's index price, once there is one.
    pub index: Option<FinePrice>,
    /// The mark price, once there is an index.
    pub mark: Option<FinePrice>,
    /// Price of the last execution; before the first, of the last trade that was made up.
    pub last: Option<Price>,
    /// The last trade of the past that was made up for it.
    pub before: Option<PastTrade>,
    /// Best bid and what is open there.
    pub bid: Option<(Price, Qty)>,
    /// Best ask and what is open there.
    pub ask: Option<(Price, Qty)>,
    /// Sum of long positions, in lots.
    pub open_interest: Qty,
    /// Whether the book is too far from the index.
    pub dislocation: Option<Dislocation>,
    /// By how much new initial margin is multiplied: 1 when calm.
    pub margin_multiplier: u32,
    /// How many changes of its price levels there were.
    pub level_changes: u64,
    /// How many trades there were.
    pub trades: u64,
    /// Its funding; none of a dated contract, nor of one that is over.
    pub funding: Option<FundingView>,
    /// When it comes to its end, or came: a dated contract's last trading time, unless the operator ended it before; of a perpetual, once
    /// it is delisted, when it settles.
    pub ends_at: Option<Timestamp>,
    /// The settlement price, once it has come to its end.
    pub settlement_price: Option<FinePrice>,
}

/// Funding of one contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundingView {
    /// The rate of the running hour.
    pub rate: FundingRate,
    /// What the next rate would be if the hour ended now, at the index of now; nothing before the hour's first sample.
    pub prediction: FundingRate,
    /// When the next rate is fixed, and what has accrued is booked.
    pub next: Timestamp,
}

/// One position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionView {
    /// In which contract.
    pub instrument: InstrumentId,
    /// Signed lots; never zero.
    pub qty: i64,
    /// Signed entry value in the settlement currency.
    pub entry: Fine,
    /// When it was opened; absent where that was not noted then.
    pub opened_at: Option<Timestamp>,
    /// Average entry price (linear: weighted mean; inverse: harmonic), half to even at 18 decimals.
    pub average_price: FinePrice,
    /// Open P&L at mark, in the settlement currency; zero while there is no mark.
    pub unrealized_pnl: Fine,
    /// The same as margin counts it: a gain that is paid in a currency with a haircut for less.
    pub unrealized_as_margin: Fine,
    /// Funding that has accrued and is not booked yet: positive what it gets.
    pub unrealized_funding: Fine,
    /// Initial margin at entry, at the rates of the levels it spans.
    pub initial_margin: Fine,
    /// Maintenance margin at mark.
    pub maintenance_margin: Fine,
    /// What its gains are paid in; USD, or the base currency of an inverse contract, when absent.
    pub gains_in: Option<Currency>,
    /// The leverage of an isolated position; cross when absent.
    pub leverage: Option<Leverage>,
    /// What of its wallet is set aside for it alone, and all that it can lose; zero when cross.
    pub set_aside: Fine,
}

/// One wallet and its margin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletView {
    /// Which wallet.
    pub wallet: Wallet,
    /// Balances by currency, in code order; zero balances of currencies once held included.
    pub balances: Vec<(Currency, Money)>,
    /// The currency margin is counted in; `None` for the cash wallet, which margins nothing.
    pub settlement: Option<Currency>,
    /// Open P&L of its positions at mark.
    pub unrealized_pnl: Fine,
    /// Funding that its positions have accrued and that is not booked yet.
    pub unrealized_funding: Fine,
    /// Open P&L and unrealised funding as margin counts them: gains that are paid in a currency with a haircut for less.
    pub unrealized_as_margin: Fine,
    /// What stands behind positions: balance in the settlement currency, what other collateral counts for, and open P&L and unrealised
    /// funding as margin counts them.
    pub equity: Fine,
    /// Of the open P&L, that of isolated positions.
    pub isolated_pnl: Fine,
    /// The same as margin counts it.
    pub isolated_as_margin: Fine,
    /// What is set aside for isolated positions.
    pub set_aside: Fine,
    /// Initial margin of cross positions alone; longs of an underlying against its shorts.
    pub initial_margin: Fine,
    /// Initial margin of positions and open orders; of isolated positions what is set aside.
    pub initial_margin_with_orders: Fine,
    /// Maintenance margin of cross positions at mark.
    pub maintenance_margin: Fine,
    /// Its cross positions are being liquidated: it takes no orders, and nothing leaves it.
    pub liquidated: bool,
}

impl WalletView {
    /// What stands behind the cross positions.
    pub fn cross_equity(&self) -> Fine {
        self.equity - self.isolated_as_margin - self.set_aside
    }

    /// Equity that no margin holds; negative when margin is short.
    pub fn available(&self) -> Fine {
        self.equity - self.isolated_as_margin - self.initial_margin_with_orders
    }

    /// What may leave of its settlement currency (rules 6): no more than is there, and than no margin holds.
    pub fn may_leave(&self) -> Money {
        if self.liquidated {
            return Money::ZERO;
        }
        let settled = self.balances.iter().filter(|(currency, _)| Some(*currency) == self.settlement);
        let balance = settled.map(|(_, balance)| *balance).sum::<Money>();
        self.available().floor().min(balance).max(Money::ZERO)
    }
}

/// What an order of one size would need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginQuote {
    /// What must be free for it, besides its fee.
    pub initial_margin: Fine,
    /// The limit it is valued at; a market order's implied one, absent when the opposite side is empty.
    pub price: Option<Price>,
    /// The mark price at which the position would be liquidated if all of it filled at that price, all else as it is;
    /// absent when there is none.
    pub liquidation_price: Option<Price>,
    /// The refusal it would meet.
    pub error: Option<OrderError>,
}

/// The largest orders that an account's margin, and the limits on positions and orders, leave room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxOrderSize {
    /// Of a buy; zero when there is no price to value it at.
    pub buy: Qty,
    /// Of a sell.
    pub sell: Qty,
    /// The limit a buy is valued at.
    pub buy_price: Option<Price>,
    /// The limit a sell is valued at.
    pub sell_price: Option<Price>,
}

/// One account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// Its number.
    pub id: AccountId,
    /// Its master, for a subaccount.
    pub parent: Option<AccountId>,
    /// One of the house's own participants.
    pub house: bool,
    /// It may ask for anything.
    pub active: bool,
    /// It may place and edit orders.
    pub trading: bool,
    /// What happens when orders of its family meet.
    pub self_trade: SelfTradeStrategy,
    /// When its dead man's switch cancels all of its orders.
    pub cancel_all_at: Option<Timestamp>,
    /// How many fills it has had.
    pub fills: u64,
    /// How many rows its log has.
    pub log_rows: u64,
}

/// What one balance of a flex wallet counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollateralView {
    /// The currency.
    pub currency: Currency,
    /// How much of it there is.
    pub balance: Money,
    /// What it is worth in USD; nothing without a price.
    pub value: Money,
    /// How much of that margins positions.
    pub collateral: Money,
    /// How much of the balance may leave.
    pub available: Money,
    /// What of its value does not count, in millionths.
    pub haircut: u32,
    /// What turning it into USD costs, in millionths.
    pub conversion: u32,
}

/// What a flex wallet counts for, in USD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlexView {
    /// Its balances, in code order.
    pub held: Vec<CollateralView>,
    /// What they are worth together.
    pub value: Money,
    /// That, and the open P&L and the unrealised funding of its positions.
    pub portfolio: Fine,
    /// What of them margins positions.
    pub collateral: Money,
}

/// What stands against one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionRisk {
    /// Its value at mark, without a sign; zero while there is no mark.
    pub value_at_mark: Fine,
    /// Initial margin of the position alone: at its levels' rates, or at its own leverage.
    pub initial_margin: Fine,
    /// The same with the open orders of its contract.
    pub initial_margin_with_orders: Fine,
    /// The mark price at which it would be liquidated, all else as it is; absent when there is none.
    pub liquidation_price: Option<Price>,
    /// What stands behind it: the equity of all cross positions of its wallet, or of an isolated one its own.
    pub equity: Fine,
}

/// Mark prices, in units of 1e-5, at which a wallet comes down to what it must keep. Zero where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarkEstimates {
    /// To its initial margin.
    pub initial: i128,
    /// To its maintenance margin.
    pub maintenance: i128,
    /// To nothing.
    pub nothing: i128,
}
