//! How a venue begins: the first batch of its journal, whole or not there at all.

use super::venue::{Came, Venue};
use super::{Difference, StartError};
use crate::config::{ClockKind, Config, IdentitySource, Instruments, MarketKind};
use crate::identity::{IdentityKey, KeyPair, account_name};
use crate::listing::Listing;
use crate::past::Past;
use crate::projection::Happened;
use crate::record::{
    Body, Fact, FactOutcome, GeneralRight, KeyCreated, Record, StoredSecret, VenueFacts, WithdrawalRight,
};
use loligo_engine::{
    AccountId, Ask, Command, ContractKind, CreateAccount, CreateAccountOutcome, Currency, Deposit, Exchange,
    FinePrice, Genesis, Limits, Money, Outcome, OutcomeOf, PairId, RULES_VERSION, Refusal, Timestamp, Wallet,
};
use std::collections::BTreeMap;

/// Kinds of development keys, as the derivation names them.
pub(crate) const FULL_KEY: &str = "full";
/// See [`FULL_KEY`].
pub(crate) const READ_ONLY_KEY: &str = "read_only";

/// Decimals of an index price.
const INDEX_ONE: i128 = 10_i128.pow(18);

/// The venue's share of a configuration. `identity_key` is drawn at genesis and cannot be told from a configuration.
pub(crate) fn facts(config: &Config, identity_key: Option<[u8; 32]>) -> VenueFacts {
    VenueFacts {
        seed: config.seed,
        accounts: config.accounts,
        balance: config.balance.0,
        manual_clock: config.clock != ClockKind::Real,
        start: match config.clock {
            ClockKind::Real => 0,
            ClockKind::Manual { start } => start.0,
        },
        live_market: config.market == MarketKind::Live,
        instruments: match &config.instruments {
            Instruments::Default => None,
            Instruments::Given(listing) => Some(listing.digest()),
        },
        identity_key,
        past_days: config.past_days,
    }
}

/// Every fact in which a configuration differs from the venue it is to start.
pub(crate) fn differences(venue: &VenueFacts, config: &Config) -> Vec<Difference> {
    let asked = facts(config, venue.identity_key);
    let mut found = Vec::new();
    let mut compare = |name, venue: String, asked: String| {
        if venue != asked {
            found.push(Difference { name, venue, asked });
        }
    };
    compare("seed", venue.seed.to_string(), asked.seed.to_string());
    compare("accounts", venue.accounts.to_string(), asked.accounts.to_string());
    compare("balance", usd(venue.balance), usd(asked.balance));
    let clock = |facts: &VenueFacts| if facts.manual_clock { "manual" } else { "real" }.to_owned();
    compare("clock", clock(venue), clock(&asked));
    if venue.manual_clock && asked.manual_clock {
        compare("start-time", instant(venue.start), instant(asked.start));
    }
    let market = |facts: &VenueFacts| if facts.live_market { "live" } else { "none" }.to_owned();
    compare("market", market(venue), market(&asked));
    // Without a live market there is none, and that has been said.
    if venue.live_market == asked.live_market {
        let past = |facts: &VenueFacts| facts.past_days.map_or("none".to_owned(), |days| format!("{days}d"));
        compare("past", past(venue), past(&asked));
    }
    let listing = |facts: &VenueFacts| match facts.instruments {
        None => "the default listing".to_owned(),
        Some(digest) => format!("a listing with digest {}", blake3::Hash::from(digest).to_hex()),
    };
    // Without a file a start goes on with what the venue lists.
    if asked.instruments.is_some() {
        compare("instruments", listing(venue), listing(&asked));
    }
    found
}

fn usd(balance: i128) -> String {
    let (whole, part) = (balance / Money::ONE, balance % Money::ONE);
    if part == 0 { whole.to_string() } else { format!("{whole}.{part:011}").trim_end_matches('0').to_owned() }
}

fn instant(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| format!("{micros} us"), |at| at.to_string())
}

/// The records a venue begins with: genesis, then each named account with its money and keys.
///
/// # Errors
/// When the engine refuses the listing or a deposit, and for a past without a live market.
pub(crate) fn records(config: &Config, listing: &Listing, now: Timestamp) -> Result<Vec<Record>, StartError> {
    let identity_key = match config.identity {
        IdentitySource::Seed => None,
        IdentitySource::Random => Some(random()?),
    };
    let past = match (config.past_days, config.market) {
        (None, _) => None,
        (Some(days), MarketKind::Live) => Some(Past::new(config.seed, now, days, listing)),
        (Some(_), MarketKind::None) => {
            let problem = "where nobody trades without being asked, nobody did before";
            return Err(StartError::Refused(problem.to_owned()));
        }
    };
    let genesis = Genesis {
        table_seed: u64::from_le_bytes(first_eight(&IdentityKey::from_seed(config.seed).0)),
        instruments: listing.instruments.clone(),
        indexes: listing.indexes.clone(),
        limits: Limits::default(),
        pasts: past.map_or_else(Vec::new, |past| past.figures()),
    };
    let mut script =
        Script { venue: Venue::new(), time: now, records: Vec::new(), happened: Happened::default() };
    script.add(Body::Genesis {
        rules: RULES_VERSION,
        venue: Box::new(facts(config, identity_key)),
        command: Command::Genesis(Box::new(genesis)),
    })?;
    for (symbol, roll) in &listing.rolls {
        let instruments = script.venue.exchange.instruments();
        let listed = instruments.map(|(id, listed)| (id, &listed.spec().symbol));
        let found = listed.filter(|(_, listed)| *listed == symbol).map(|(id, _)| id).next();
        let instrument =
            found.ok_or_else(|| StartError::Refused(format!("{symbol} rolls, and is not listed")))?;
        script.add(Body::Fact(Box::new(Fact::ContractRolls { instrument, roll: *roll })))?;
    }
    let wallets = inverse_wallets(&script.venue.exchange, config.balance);
    for place in 0..config.accounts {
        let account = script.open_account()?;
        script.add(Body::Fact(Box::new(Fact::AccountNamed { account, name: account_name(place) })))?;
        script.deposit(account, Wallet::Flex, Currency::USD, config.balance)?;
        for (pair, (currency, amount)) in &wallets {
            script.deposit(account, Wallet::Inverse(*pair), *currency, *amount)?;
        }
        for (kind, general) in [(FULL_KEY, GeneralRight::Full), (READ_ONLY_KEY, GeneralRight::ReadOnly)] {
            script.add(Body::Fact(Box::new(Fact::KeyCreated(KeyCreated {
                account,
                api_key: KeyPair::development(config.seed, place, kind).api_key,
                secret: StoredSecret::Development { place, kind: kind.to_owned() },
                general,
                withdrawal: WithdrawalRight::None,
            }))))?;
        }
    }
    Ok(script.records)
}

fn random() -> Result<[u8; 32], StartError> {
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| StartError::NoRandomness)?;
    Ok(key)
}

fn first_eight(bytes: &[u8; 32]) -> [u8; 8] {
    let mut head = [0; 8];
    head.copy_from_slice(&bytes[..8]);
    head
}

/// For each inverse wallet: the base currency, and how much of it a tenth of `balance` buys at the first index.
fn inverse_wallets(exchange: &Exchange, balance: Money) -> BTreeMap<PairId, (Currency, Money)> {
    let mut wallets = BTreeMap::new();
    for (id, instrument) in exchange.instruments() {
        if instrument.spec().kind == ContractKind::Inverse
            && let Some(FinePrice(index)) = exchange.market(id).and_then(|market| market.index)
        {
            // Divided before it is multiplied by the second half of the decimals, so that nothing overflows: a
            // balance of 10^12 USD at 11 decimals has 23 digits, and 128 bits hold 38.
            let scaled = (balance.0 / 10).saturating_mul(10_i128.pow(9));
            let amount = scaled / (index / 10_i128.pow(9)).max(1);
            debug_assert!(INDEX_ONE == 10_i128.pow(18));
            wallets.insert(instrument.pair(), (instrument.settlement(), Money(amount)));
        }
    }
    wallets
}

/// Writes the first batch while applying it to a venue of its own, to learn the numbers that are given out.
struct Script {
    venue: Venue,
    time: Timestamp,
    records: Vec<Record>,
    happened: Happened,
}

impl Script {
    fn add(&mut self, body: Body) -> Result<(), StartError> {
        let record = Record { time: self.time, nonce: None, body };
        self.happened.clear();
        let came = self.venue.apply(&record, &mut self.happened).map_err(StartError::from)?;
        self.records.push(record);
        match came {
            Came::ToOutcome(Outcome::Refused(refusal)) => Err(StartError::Refused(refusal.to_string())),
            Came::ToFact(FactOutcome::Refused(refusal)) => Err(StartError::Refused(refusal.to_string())),
            Came::ToOutcome(_) | Came::ToFact(_) => Ok(()),
        }
    }

    /// A command that says in its type what it comes to.
    fn ask<O: OutcomeOf>(&mut self, ask: impl Into<Ask<O>>) -> Result<O, StartError> {
        let command = ask.into().into_command();
        self.happened.clear();
        let came = self.venue.command(self.time, None, &command, &mut self.happened);
        let outcome = came.map_err(StartError::from)?;
        self.records.push(Record { time: self.time, nonce: None, body: Body::Command(command) });
        Ok(Ask::outcome(outcome))
    }

    fn open_account(&mut self) -> Result<AccountId, StartError> {
        let create = CreateAccount { parent: None, house: false };
        match self.ask(create)? {
            CreateAccountOutcome::AccountCreated(account) => Ok(account),
            CreateAccountOutcome::Refused(refusal) => {
                Err(StartError::Refused(Refusal::from(refusal).to_string()))
            }
        }
    }

    fn deposit(
        &mut self,
        account: AccountId,
        wallet: Wallet,
        currency: Currency,
        amount: Money,
    ) -> Result<(), StartError> {
        if amount != Money::ZERO {
            let deposit = Deposit { account, wallet, currency, amount };
            self.add(Body::Command(Command::Deposit(deposit)))?;
        }
        Ok(())
    }
}
