//! Rows of an account's log, which are answered over HTTP and told on a feed.

use uuid::Uuid;

use crate::decimal::Decimal;
use crate::json::Object;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// The kind of an account log entry.
    pub enum LogInfo {
        FuturesTrade = "futures trade",
        FuturesLiquidation = "futures liquidation",
        FuturesAssignor = "futures assignor",
        FuturesAssignee = "futures assignee",
        FuturesUnwindCounterparty = "futures unwind counterparty",
        FuturesUnwindBankrupt = "futures unwind bankrupt",
        CoveredLiquidation = "covered liquidation",
        FundingRateChange = "funding rate change",
        Conversion = "conversion",
        InterestPayment = "interest payment",
        Transfer = "transfer",
        CrossExchangeTransfer = "cross-exchange transfer",
        KfeeApplied = "kfee applied",
        SubaccountTransfer = "subaccount transfer",
        Settlement = "settlement",
        AdminTransfer = "admin transfer",
        TaxWithheld = "tax withheld",
        TaxRefund = "tax refund",
        FuturesPartialLiquidation = "futures partial liquidation",
        FuturesUnwind = "futures_unwind",
        FuturesTaxWithheld = "futures tax withheld",
        FuturesTaxRefund = "futures tax refund",
        ConversionCredit = "conversion credit",
        PositionTransfer = "position transfer",
        PortfolioAuctioning = "portfolio auctioning",
        Rfq = "rfq",
        OptionsTrade = "options trade",
        HedgingTrade = "hedging trade",
    }
}

/// One leg of a booking. Names stand in lower case.
#[derive(Clone, Copy, Debug)]
pub struct LogEntry<'a> {
    /// Its number in its account's log, from 1.
    pub id: u64,
    /// When.
    pub date: Timestamp,
    /// What moved: a contract, or a currency.
    pub asset: &'a str,
    /// Why.
    pub info: LogInfo,
    /// The leg's own name.
    pub booking_uid: Uuid,
    /// In which wallet.
    pub margin_account: &'a str,
    /// How much there was.
    pub old_balance: Decimal,
    /// How much there is.
    pub new_balance: Decimal,
    /// Of a contract: the average entry price before.
    pub old_average_entry_price: Option<Decimal>,
    /// Of a contract: the average entry price after.
    pub new_average_entry_price: Option<Decimal>,
    /// The price of the trade.
    pub trade_price: Option<Decimal>,
    /// The mark price then.
    pub mark_price: Option<Decimal>,
    /// What was realised, before the fee.
    pub realized_pnl: Option<Decimal>,
    /// What was paid for it.
    pub fee: Option<Decimal>,
    /// The fill, or what else brought it about.
    pub execution: Option<Uuid>,
    /// The currency that carries the position.
    pub collateral: Option<&'a str>,
    /// Which contract it was about.
    pub contract: Option<&'a str>,
    /// The absolute rate of a funding.
    pub funding_rate: Option<Decimal>,
    /// Funding that was realised.
    pub realized_funding: Option<Decimal>,
    /// What a liquidation cost besides the fee.
    pub liquidation_fee: Option<Decimal>,
    /// Of a conversion.
    pub conversion: Option<Conversion<'a>>,
}

/// The terms of a conversion.
#[derive(Clone, Copy, Debug)]
pub struct Conversion<'a> {
    /// The spread, in per cent.
    pub spread_percentage: Decimal,
    /// The rate.
    pub exchange_rate: Decimal,
    /// Of which currency.
    pub exchange_rate_from: &'a str,
    /// The fee, in per cent.
    pub fee: Decimal,
}

/// How a row says what it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    Null,
    /// As zero, or as the empty text.
    Zero,
}

impl LogEntry<'_> {
    /// Writes the members that a row has wherever it is told.
    pub(crate) fn write(&self, row: &mut Object<'_>, absent: Absent) {
        row.int("id", self.id);
        row.time("date", self.date);
        row.string("asset", self.asset);
        text(row, "contract", self.contract, absent);
        row.string("info", self.info.as_str());
        row.uuid("booking_uid", self.booking_uid);
        row.string("margin_account", self.margin_account);
        row.decimal("old_balance", self.old_balance);
        row.decimal("new_balance", self.new_balance);
        for (name, value) in [
            ("old_average_entry_price", self.old_average_entry_price),
            ("new_average_entry_price", self.new_average_entry_price),
            ("trade_price", self.trade_price),
            ("mark_price", self.mark_price),
            ("realized_pnl", self.realized_pnl),
            ("fee", self.fee),
            ("funding_rate", self.funding_rate),
            ("realized_funding", self.realized_funding),
            ("conversion_spread_percentage", self.conversion.map(|terms| terms.spread_percentage)),
            ("liquidation_fee", self.liquidation_fee),
        ] {
            match absent {
                Absent::Null => row.opt_decimal(name, value),
                Absent::Zero => row.decimal(name, value.unwrap_or_default()),
            }
        }
        match self.execution {
            Some(uid) => row.uuid("execution", uid),
            None => text(row, "execution", None, absent),
        }
        text(row, "collateral", self.collateral, absent);
    }
}

fn text(row: &mut Object<'_>, name: &'static str, value: Option<&str>, absent: Absent) {
    match absent {
        Absent::Null => row.opt_string(name, value),
        Absent::Zero => row.string(name, value.unwrap_or_default()),
    }
}
