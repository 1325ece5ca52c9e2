//! The journal of a stopped venue in lines for people: which branches there are, and which record asks what. Damage is a
//! line among the others.

use super::StartError;
use super::begun::Begun;
use crate::identity::account_name;
use crate::record::{Body, Crossing, Fact, Record};
use crate::report::time_text;
use loligo_engine::{
    AccountId, ClientOrderId, Command, EditOrder, InstrumentId, InstrumentSpec, Money, OnGrid, OrderRef,
    OrderType, PlaceOrder, Side, Written, WrittenNumber,
};
use loligo_journal::{Batch, Survey, Unreadable};
use loligo_wire::decimal::Decimal;
use std::path::Path;
use uuid::Uuid;

/// Characters of a description that is no sentence of ours.
const DETAIL_CHARS: usize = 100;

/// Which records to show.
#[derive(Clone, Copy, Debug)]
pub struct LogQuery {
    /// Of which branch's history; the newest when absent.
    pub branch: Option<u64>,
    /// From which record on; as many as are shown before the end when absent.
    pub from: Option<u64>,
    /// How many.
    pub count: u64,
}

/// A stopped venue's journal, open to be shown. Nothing of it is changed.
pub struct Log {
    survey: Survey,
    names: Names,
}

/// What the genesis tells of names.
#[derive(Default)]
struct Names {
    accounts: u32,
    instruments: Vec<InstrumentSpec>,
}

impl Log {
    /// Opens the journal in a folder, damaged or not.
    ///
    /// # Errors
    /// [`StartError`]: a folder in use, without a venue, or whose database cannot be opened at all.
    pub fn open(folder: &Path) -> Result<Self, StartError> {
        let survey = Survey::open(folder)?.ok_or_else(|| StartError::NoVenue(folder.to_path_buf()))?;
        let first = survey.batches(loligo_journal::FIRST_BRANCH, 1).next();
        let begun = first.and_then(Result::ok).and_then(|batch| Begun::read(&batch).ok());
        let names = begun.map_or_else(Names::default, |begun| Names {
            accounts: begun.facts.accounts,
            instruments: begun.listing.instruments,
        });
        Ok(Self { survey, names })
    }

    /// A line for each branch, oldest first.
    #[must_use]
    pub fn branches(&self) -> Vec<String> {
        let branches = self.survey.branches();
        let current = branches.len();
        let line = |(index, branch): (usize, &loligo_journal::BranchInfo)| {
            let (first, own) = (branch.fork + 1, branch.last.saturating_sub(branch.fork));
            let mut line = format!("branch {}: ", branch.id);
            if branch.parent > 0 {
                line += &format!("leaves branch {} after record {}, ", branch.parent, branch.fork);
            }
            line += &match own {
                0 => "no records".to_owned(),
                1 => format!("1 record ({first})"),
                own => format!("{own} records ({first} to {})", branch.last),
            };
            if index + 1 < current {
                return line;
            }
            match self.survey.kept_from(branch.id) {
                1 => line + " - the one that counts",
                kept_from => line + &format!(" - the one that counts, pruned before record {kept_from}"),
            }
        };
        branches.iter().enumerate().map(line).collect()
    }

    /// A line for each record that is asked for, and for what cannot be read between them.
    ///
    /// # Errors
    /// [`StartError::NoBranch`] and [`StartError::NoRecord`].
    pub fn records(&self, query: LogQuery) -> Result<impl Iterator<Item = String> + '_, StartError> {
        let branches = self.survey.branches();
        let newest = branches.last().map_or(loligo_journal::FIRST_BRANCH, |branch| branch.id);
        let asked = query.branch.unwrap_or(newest);
        let no_branch = StartError::NoBranch { asked, last: newest };
        let branch = branches.iter().find(|branch| branch.id == asked).ok_or(no_branch)?;
        let last = branch.last;
        let from = query.from.unwrap_or_else(|| (last + 1).saturating_sub(query.count).max(1));
        if from == 0 || from > last.max(1) {
            return Err(StartError::NoRecord { asked: from, branch: asked, last });
        }
        let lines = self.survey.batches(asked, from).flat_map(|batch| match batch {
            Ok(batch) => self.lines(&batch),
            Err(Unreadable { first, what, pruned: true }) => vec![format!("{first:>9}  {what}")],
            Err(Unreadable { first, what, pruned: false }) => {
                vec![format!("{first:>9}  cannot be read: {what}")]
            }
        });
        Ok(lines.take(usize::try_from(query.count).unwrap_or(usize::MAX)))
    }

    fn lines(&self, batch: &Batch) -> Vec<String> {
        let line = |(sequence, bytes): (u64, &[u8])| match Record::decode(bytes) {
            Ok(record) => {
                let (kind, detail) = self.names.describe(&record.body);
                let nonce = record.nonce.map_or_else(String::new, |(_, nonce)| format!(", nonce {nonce}"));
                let time = time_text(record.time);
                format!("{sequence:>9}  {time}  {kind:<18} {detail}{nonce}").trim_end().to_owned()
            }
            Err(error) => format!("{sequence:>9}  cannot be read: {error}"),
        };
        batch.iter().map(line).collect()
    }
}

impl Names {
    /// Kind and short description of what a record asks.
    fn describe(&self, body: &Body) -> (String, String) {
        match body {
            Body::Genesis { venue, rules, .. } => {
                let contracts = self.instruments.len();
                (
                    "genesis".to_owned(),
                    format!(
                        "{contracts} contracts, {} accounts, seed {}, rules {rules}",
                        venue.accounts, venue.seed
                    ),
                )
            }
            Body::Command(command) => {
                let detail = self.command(command).unwrap_or_else(|| rest_of(&format!("{command:?}")));
                (kind_of(&format!("{command:?}")), detail)
            }
            Body::Crossing(Crossing { from, to, .. }) => {
                ("crossing".to_owned(), format!("from rules {from} to rules {to}"))
            }
            // The secret is sealed, and no part of a line all the same.
            Body::Fact(fact) => match &**fact {
                Fact::KeyCreated(key) => {
                    ("key created".to_owned(), format!("{} for {}", key.api_key, self.account(key.account)))
                }
                fact => (kind_of(&format!("{fact:?}")), rest_of(&format!("{fact:?}"))),
            },
        }
    }

    /// `None` where the fields themselves say it.
    fn command(&self, command: &Command) -> Option<String> {
        Some(match command {
            Command::Start => "the exchange was started".to_owned(),
            Command::Advance => "time passes".to_owned(),
            Command::CreateAccount(_) | Command::InjectPanic => String::new(),
            Command::Deposit(deposit) => {
                format!(
                    "{} {} to {}",
                    money(deposit.amount),
                    deposit.currency.code(),
                    self.account(deposit.account)
                )
            }
            Command::Withdraw(withdraw) => {
                let (amount, code) = (money(withdraw.amount), withdraw.currency.code());
                format!("{amount} {code} by {}", self.account(withdraw.account))
            }
            Command::Place(order) => self.order(order, &Written::default()),
            Command::PlaceOffGrid(asked) => self.order(&asked.0, &asked.1),
            Command::Edit(edit) => self.edit(edit),
            Command::EditOffGrid(asked) => self.edit(&asked.0),
            Command::Cancel(cancel) => {
                format!("{} by {}", order_name(&cancel.order), self.account(cancel.account))
            }
            Command::CancelAll { account, instrument } => {
                let symbol =
                    instrument.map_or("all contracts".to_owned(), |instrument| self.symbol(instrument));
                format!("{symbol} by {}", self.account(*account))
            }
            Command::CancelAllAfter { account, timeout_seconds } => {
                format!("in {timeout_seconds} s by {}", self.account(*account))
            }
            _ => return None,
        })
    }

    fn edit(&self, EditOrder { account, order, .. }: &EditOrder) -> String {
        format!("{} by {}", order_name(order), self.account(*account))
    }

    /// An order, with what was written of what is off its contract's grid.
    fn order(&self, order: &PlaceOrder, written: &Written) -> String {
        let spec = self.instruments.get(order.instrument.0 as usize);
        let side = if order.side == Side::Buy { "buy" } else { "sell" };
        let kind = match order.order_type {
            OrderType::Limit => "limit",
            OrderType::Post => "post",
            OrderType::ImmediateOrCancel => "ioc",
            OrderType::Market => "market",
            OrderType::FillOrKill => "fok",
            OrderType::Liquidation => "liquidation",
            OrderType::CoveredLiquidation => "covered liquidation",
            OrderType::Assignment => "assignment",
            OrderType::Unwind => "unwind",
        };
        let lots = spec.map(|spec| (1, i32::from(spec.lot_precision)));
        let size = steps(order.qty, lots, "lots", written.qty.as_ref());
        let tick = spec.map(|spec| (i128::from(spec.tick_mantissa), i32::from(spec.tick_scale)));
        let account = self.account(order.account);
        let mut text = format!("{account} {side} {size} {} {kind}", self.symbol(order.instrument));
        let prices = [
            ("at", order.limit_price, &written.limit_price),
            ("from", order.stop_price, &written.stop_price),
        ];
        for (word, price, written) in prices {
            if let Some(price) = price {
                text += &format!(" {word} {}", steps(price, tick, "ticks", written.as_ref()));
            }
        }
        if let Some(name) = &order.client_order_id {
            text += &match name {
                ClientOrderId::Valid(name) => format!(" named {name:?}"),
                ClientOrderId::TooLong | ClientOrderId::Invalid => " with a name that is none".to_owned(),
            };
        }
        text
    }

    fn account(&self, account: AccountId) -> String {
        if account.0 < self.accounts { account_name(account.0) } else { format!("account {}", account.0) }
    }

    fn symbol(&self, instrument: InstrumentId) -> String {
        let spec = self.instruments.get(instrument.0 as usize);
        spec.map_or_else(|| format!("contract {}", instrument.0), |spec| spec.symbol.clone())
    }
}

fn order_name(order: &OrderRef) -> String {
    match order {
        OrderRef::Id(id) => format!("order {}", id.0),
        OrderRef::Foreign(number) => format!("order {}, which is none of here", Uuid::from_u128(*number)),
        OrderRef::Client(name) => format!("the order named {name:?}"),
    }
}

/// A number on a grid: exact where the grid is known, else in its steps. What is off it is as it was written.
fn steps(value: OnGrid, grid: Option<(i128, i32)>, unit: &str, written: Option<&WrittenNumber>) -> String {
    match (value, grid) {
        (OnGrid::Off | OnGrid::TooLarge, _) => written
            .map_or_else(|| "(off the grid)".to_owned(), |text| format!("{} (off the grid)", text.as_str())),
        (OnGrid::Steps(steps), None) => format!("{steps} {unit}"),
        (OnGrid::Steps(steps), Some((mantissa, scale))) => {
            let value = i128::from(steps) * mantissa;
            match u32::try_from(scale) {
                Ok(scale) => Decimal::new(value, scale).to_string(),
                Err(_) => (value * 10_i128.pow(scale.unsigned_abs())).to_string(),
            }
        }
    }
}

fn money(amount: Money) -> String {
    Decimal::new(amount.0, 11).to_string()
}

/// `CancelAll { .. }` as `cancel all`.
fn kind_of(debug: &str) -> String {
    let mut kind = String::new();
    for c in debug.chars().take_while(char::is_ascii_alphanumeric) {
        if c.is_ascii_uppercase() && !kind.is_empty() {
            kind.push(' ');
        }
        kind.push(c.to_ascii_lowercase());
    }
    kind
}

/// What follows the kind, as far as it fits a line.
fn rest_of(debug: &str) -> String {
    let rest = debug.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).trim();
    let mut text: String = rest.chars().take(DETAIL_CHARS).collect();
    if rest.chars().count() > DETAIL_CHARS {
        text += "...";
    }
    text
}
