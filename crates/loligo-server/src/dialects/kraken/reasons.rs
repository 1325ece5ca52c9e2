//! The reason of a refusal, worked out from what came and what is known of the exchange now.

mod orders;
mod refused;

pub(crate) use refused::{FeedRefusal, Note, Notebook, Notes, Refused, SignedChallenge, Why};

use super::Failure;
use super::bounds::FEED_REQUESTS;
use super::routes::Routes;
use crate::login::nonce::NONCE_WINDOW;
use crate::login::{Denied, Right};
use crate::node::Views;
use crate::projection::{ApiKey, Directory};
use crate::record::{FaultWord, GeneralRight, WithdrawalRight};
use crate::request_log::{Asker, UNDECIDED, name_of};
use http::Method;
use loligo_engine::{Exchange, MarketState};
use loligo_wire::args::Args;
use loligo_wire::charts::{AnalyticsError, AnalyticsType, ChartsError};
use loligo_wire::sign::{Signature, SignedRequest, SigningKey, departures};
use loligo_wire::v3::errors::ErrorAnswer;
use loligo_wire::v3::requests::{BatchOrder, MAX_TIMEOUT_SECONDS, Request, RequestError};
use loligo_wire::v3::words::{DeviationUnit, Error, OrderType, QuantityMode, SelfTradeStrategy, Side};
use refused::Kept;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// Keys whose secrets are tried on a signature that its own key did not make.
const OTHER_KEYS: usize = 200;
/// Most characters of a value that are shown.
const VALUE_CHARS: usize = 60;

/// What a refused request for analytics should have had.
fn analytics(error: &AnalyticsError) -> String {
    match error {
        AnalyticsError::UnknownMethod => {
            let types: Vec<&str> = AnalyticsType::ALL.iter().map(|kind| kind.as_str()).collect();
            format!("the types are {}", types.join(", "))
        }
        AnalyticsError::Arguments(fields) if fields.is_empty() => charts(ChartsError::Arguments).to_owned(),
        AnalyticsError::Arguments(fields) => {
            let wants = |field: &&str| match *field {
                "interval" => {
                    "interval is 60, 300, 900, 1800, 3600, 14400, 43200, 86400 or 604800".to_owned()
                }
                "since" => "since is wanted, a whole number of seconds since 1970 with one value".to_owned(),
                field => format!("{field} is no whole number of seconds since 1970, or has two values"),
            };
            fields.iter().map(wants).collect::<Vec<_>>().join("; ")
        }
    }
}

/// What a refused request for candles should have had.
fn charts(error: ChartsError) -> &'static str {
    match error {
        ChartsError::TickType => "the tick types are mark, spot and trade",
        ChartsError::Resolution => "the resolutions are 1m, 5m, 15m, 30m, 1h, 4h, 12h, 1d and 1w",
        ChartsError::From => "from is no number of seconds since 1970, or has two values",
        ChartsError::To => "to is no number of seconds since 1970, or has two values",
        ChartsError::Arguments => "there are more arguments than one request may have",
        ChartsError::Count => "count is no whole number from 0 on, or has two values",
    }
}

/// What came with a refused request, as far as it was kept.
struct Came<'e> {
    method: &'e Method,
    path: &'e str,
    api_key: &'e str,
    kept: Option<&'e Kept>,
}

/// What reasons are found with.
struct Explainer<'e> {
    asker: &'e Asker,
    /// All that a reason tells is of one branch.
    views: Views,
    routes: &'static Routes,
}

impl Explainer<'_> {
    /// Asks the exchange itself.
    fn ask<R: Send + 'static>(&self, ask: impl FnOnce(&Exchange) -> R + Send + 'static) -> Option<R> {
        self.asker.ask(ask)
    }

    fn nowhere(&self, entry: &Came<'_>) -> String {
        let path = entry.path;
        let methods = self.routes.methods(path);
        if !methods.is_empty() {
            return format!("this path takes {}, not {}", methods.join(" and "), entry.method);
        }
        let known = |candidate: &str| !self.routes.methods(candidate).is_empty();
        let with_prefix = format!("/derivatives{path}");
        let trimmed = path.trim_end_matches('/');
        let lower = path.to_ascii_lowercase();
        if known(&with_prefix) {
            format!("the path lacks its beginning: it is {with_prefix}")
        } else if trimmed != path && known(trimmed) {
            format!("there is no slash at the end: it is {trimmed}")
        } else if lower != path && known(&lower) {
            format!("paths are in lower case: it is {lower}")
        } else if path.starts_with("/0/") {
            "this is a path of the spot API; here is the futures API, under /derivatives/api/v3".to_owned()
        } else {
            "no document of this API has such a path".to_owned()
        }
    }

    fn alert(&self, entry: &Came<'_>, why: &FeedRefusal) -> String {
        match why {
            FeedRefusal::Unreadable => {
                r#"a request is JSON such as {"event": "subscribe", "feed": "book", "product_ids": ["PF_XBTUSD"]}"#
                    .to_owned()
            }
            FeedRefusal::TooMany => {
                format!("a connection may send {FEED_REQUESTS} requests a second (--rate-limits off)")
            }
            FeedRefusal::NoProducts => "this feed wants product_ids".to_owned(),
            FeedRefusal::Product(symbol) => {
                let directory = self.views.directory();
                match directory.by_symbol(symbol) {
                    Some(_) => format!("{} has no market now", quoted(symbol)),
                    None => no_such_contract(&directory, symbol),
                }
            }
            FeedRefusal::Signer(None) => {
                "api_key, original_challenge or signed_challenge is missing".to_owned()
            }
            FeedRefusal::Signer(Some(signed)) => self.bad_challenge(entry, signed),
        }
    }

    fn bad_challenge(&self, entry: &Came<'_>, signed: &SignedChallenge) -> String {
        let directory = self.views.directory();
        let Some(own) = directory.key(entry.api_key) else { return self.unknown_key(entry) };
        if !signed.given {
            return "this connection was not given this challenge: it asks for its own, by the event challenge"
                .to_owned();
        }
        let fits = |key: &ApiKey| {
            let signing = SigningKey::from_base64_secret(&key.secret.to_base64()).ok()?;
            let signature = Signature::from_base64(&signed.signature)?;
            Some(signing.verify_challenge(&signature, &signed.challenge))
        };
        if fits(own) == Some(true) {
            return if own.may_ask() {
                "the account is deactivated (POST /loligo/v1/accounts/ACCOUNT/activate)".to_owned()
            } else {
                format!("this takes a key that may ask; this one may do {}", rights_of(own))
            };
        }
        let other = directory.keys().iter().take(OTHER_KEYS).find(|key| fits(key) == Some(true));
        match other {
            Some(key) => {
                let account = name_of(&directory, key.account);
                format!("the challenge is signed with another secret: that of a key of {account}")
            }
            None => {
                "signed_challenge is not the HMAC-SHA-512, in base64, of the SHA-256 of the challenge by the \
                     secret decoded from base64"
                    .to_owned()
            }
        }
    }

    fn failure(&self, entry: &Came<'_>, failure: &Failure) -> String {
        match failure {
            Failure::Word(answer) => self.word(entry, *answer),
            Failure::Missing(name) => self.missing(entry, name),
            Failure::Denied(denied) => self.denied(entry, *denied),
            Failure::Refused(_, refusal) => refusal.to_string(),
            Failure::Node(error) => error.to_string(),
            Failure::History(_, error) => error.reason.clone(),
            Failure::SwitchedOff => {
                "requests for quotes and portfolio margining are switched off here, as on the venue"
                    .to_owned()
            }
            Failure::Charts(error) => charts(*error).to_owned(),
            Failure::Analytics(error) => analytics(error),
            Failure::Undecided => UNDECIDED.to_owned(),
            Failure::OutOfService => {
                let found = self.routes.find(entry.method, entry.path);
                let name = found.map_or("it", |found| found.operation.name());
                format!(
                    "the operator took {name} out of service (PUT /loligo/v1/routes/{name} brings it back)"
                )
            }
            Failure::Fault(FaultWord::ServerError | FaultWord::UnknownError) => {
                "a fault that the operator asked for (GET /loligo/v1/faults)".to_owned()
            }
            Failure::Numbered(error) => match error.code {
                41 => "with this setting the position would be liquidated".to_owned(),
                87 => self.argument(entry, "symbol"),
                88 => "only multi-collateral contracts (PF_, FF_) have such a setting".to_owned(),
                89 => format!("{} is no currency of this exchange", self.shown(entry, "pnlPreference")),
                90 => format!(
                    "{} is none of USD, EUR, GBP, USDC, USDT, BTC and ETH",
                    self.shown(entry, "pnlPreference")
                ),
                92 => "available margin does not cover what this leverage needs".to_owned(),
                98 => format!(
                    "{} is not from 1 to what the contract's first margin level allows",
                    self.shown(entry, "maxLeverage")
                ),
                _ => error.message.to_owned(),
            },
        }
    }

    fn word(&self, entry: &Came<'_>, answer: ErrorAnswer) -> String {
        let directory = self.views.directory();
        match answer.error {
            Error::InvalidArgument => match answer.argument {
                Some("json") => self.batch(entry),
                Some(name) => self.argument(entry, name),
                None => "there are more arguments than one request may have".to_owned(),
            },
            Error::JsonParseError => self.batch(entry),
            Error::AccountInactive => {
                let account = directory.key(entry.api_key).and_then(|key| directory.account(key.account));
                match account {
                    Some(account) if !account.active => {
                        "the account is deactivated (POST /loligo/v1/accounts/ACCOUNT/activate)".to_owned()
                    }
                    _ => "trading is switched off for this subaccount by its master".to_owned(),
                }
            }
            Error::MarketUnavailable => {
                let symbol = self.argument_text(entry, "symbol").unwrap_or_else(|| symbol_of(entry.path));
                let id = directory.by_symbol(&symbol).map(|listed| listed.id);
                let state = id.and_then(|id| self.ask(move |exchange| exchange.market(id)).flatten());
                let state = match state.map(|market| market.state) {
                    Some(MarketState::Expired) => "has expired",
                    Some(MarketState::PreLaunch) => "is not open yet",
                    Some(MarketState::Inactive) => "is inactive",
                    _ => "has no market now",
                };
                format!("{} {state}", cut(&symbol))
            }
            Error::NotFound if entry.path.contains("/tickers/") => {
                no_such_contract(&directory, &symbol_of(entry.path))
            }
            Error::NotFound => "no such account in the family of this one".to_owned(),
            Error::InvalidAccount => {
                let named = ["fromAccount", "toAccount", "sourceWallet"]
                    .map(|name| self.argument_text(entry, name).map(|text| (name, text)));
                let wrong = named
                    .into_iter()
                    .flatten()
                    .find(|(_, text)| crate::wallets::wallet(&directory, text).is_none());
                match wrong {
                    Some((name, text)) => {
                        format!(
                            "{name} {} is no wallet: it is cash, flex or one like fi_xbtusd",
                            quoted(&text)
                        )
                    }
                    None => "there is no such wallet".to_owned(),
                }
            }
            Error::InvalidUnit => {
                let unit =
                    self.argument_text(entry, "unit").or_else(|| self.argument_text(entry, "currency"));
                format!("the wallets do not hold {}", quoted(&unit.unwrap_or_default()))
            }
            Error::InvalidAmount => {
                format!("{} is not a positive amount of at most 11 decimals", self.shown(entry, "amount"))
            }
            Error::InsufficientFunds => {
                format!("{} is more than any wallet holds", self.shown(entry, "amount"))
            }
            Error::ServerError | Error::UnknownError => {
                "a fault inside the exchange: LOLIGO_TRACE=debug shows more at its standard error".to_owned()
            }
            other => other.as_str().to_owned(),
        }
    }

    fn missing(&self, entry: &Came<'_>, name: &str) -> String {
        if let Some(form) = entry.kept.and_then(not_a_form) {
            return format!("{form}; so {name} is missing");
        }
        let plain = |text: &str| {
            text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
        };
        let wanted = plain(name);
        let alike = self.with_args(entry, |args| {
            args.pairs()
                .map(|(given, _)| String::from_utf8_lossy(&given).into_owned())
                .find(|given| given != name && plain(given) == wanted)
        });
        match alike.flatten() {
            Some(given) => format!("{name} is missing: {} is another name", quoted(&given)),
            None if entry.path.ends_with("/batchorder") && name != "json" => {
                format!("an element of the batch has no {name}")
            }
            None => format!("{name} is missing"),
        }
    }

    fn denied(&self, entry: &Came<'_>, denied: Denied) -> String {
        match denied {
            Denied::UnknownKey => self.unknown_key(entry),
            Denied::BadSignature => self.bad_signature(entry),
            Denied::NoRight(right) => {
                let directory = self.views.directory();
                let held = directory.key(entry.api_key).map_or("nothing", |key| rights_of(key));
                let needed = match right {
                    Right::Hold => "a key",
                    Right::Read => "a key that may ask",
                    Right::Trade => "a key that may trade",
                    Right::Withdraw => "a key with the right to withdraw",
                };
                // The one thing that the operator may let such a key do besides.
                let may_be_let = right == Right::Trade
                    && entry.path.ends_with("/orders/status")
                    && directory.key(entry.api_key).is_some_and(|key| key.may_ask());
                let way = if may_be_let { " (--status-for-read-only-keys on)" } else { "" };
                format!("this takes {needed}; this one may do {held}{way}")
            }
            Denied::BadNonce => {
                format!(
                    "the Nonce header is {}, no whole number of 64 bits",
                    header(entry, |kept| &kept.nonce)
                )
            }
            Denied::NonceBelowThreshold { nonce, threshold } => format!(
                "nonce {nonce} is not above {threshold}, the highest that this key had used {} seconds before",
                NONCE_WINDOW / 1_000_000
            ),
            Denied::NonceDuplicate { nonce, ago } => {
                format!(
                    "nonce {nonce} was seen {}.{:03} seconds before",
                    ago / 1_000_000,
                    ago / 1_000 % 1_000
                )
            }
            Denied::RateExceeded { pool, cost, left, .. } => format!(
                "it costs {cost} tokens, and of {} in {} seconds {left} are left (--rate-limits off)",
                pool.budget(),
                pool.window() / 1_000_000
            ),
        }
    }

    fn unknown_key(&self, entry: &Came<'_>) -> String {
        let directory = self.views.directory();
        let is_secret = |key: &&Arc<ApiKey>| key.secret.to_base64() == entry.api_key;
        if entry.api_key.is_empty() {
            "no key is named (the APIKey header)".to_owned()
        } else if let Some(key) = directory.keys().iter().take(OTHER_KEYS).find(is_secret) {
            let account = name_of(&directory, key.account);
            format!("what is given as the key is a secret of {account}: key and secret are swapped")
        } else if directory.key(entry.api_key.trim().trim_matches('"')).is_some() {
            "the key has spaces or quotes around it".to_owned()
        } else {
            "no account here has this key (another --seed and another data folder have other keys)".to_owned()
        }
    }

    fn bad_signature(&self, entry: &Came<'_>) -> String {
        let Some(kept) = entry.kept else {
            return "the signature does not fit; the request is too long to be looked into".to_owned();
        };
        if kept.authent.is_empty() {
            return "there is no Authent header".to_owned();
        }
        let directory = self.views.directory();
        let Some(own) = directory.key(entry.api_key) else { return "the key is gone".to_owned() };
        let path = entry.path;
        let is_get = *entry.method == Method::GET;
        let Kept { query, body, nonce, authent, .. } = kept;
        let request = SignedRequest { query, body, nonce, path, is_get };
        if let Some(departures) = departures(&own.secret.to_base64(), authent, &request) {
            return match &departures[..] {
                [] => "the signature fits by now".to_owned(),
                mistakes => format!("the signature fits when {}", mistakes.join(" and ")),
            };
        }
        // A batch of other keys, each by the rule alone; the same key's secret has been tried.
        let others = directory.keys().iter().filter(|key| key.id != own.id).take(OTHER_KEYS);
        let made_with = others.into_iter().find(|key| {
            departures(&key.secret.to_base64(), authent, &request).is_some_and(|how| how.is_empty())
        });
        if let Some(key) = made_with {
            let (account, rights) = (name_of(&directory, key.account), rights_of(key));
            return format!(
                "it is made with another secret: that of the key of {account} that may do {rights}"
            );
        }
        let length = "64 bytes in base64 (88 characters)";
        if authent.len() != 88 {
            return format!("the Authent header has {} characters: it is {length}", authent.len());
        }
        "no known way of signing gives this signature: it is made with another secret, or over other bytes than \
         were sent"
            .to_owned()
    }

    /// What is wrong with an argument that is there.
    fn argument(&self, entry: &Came<'_>, name: &str) -> String {
        let Some(kept) = entry.kept else { return format!("{name} cannot be read") };
        if let Some(form) = not_a_form(kept) {
            return form;
        }
        let directory = self.views.directory();
        if name == "subaccountUid" {
            return "the path names a subaccount by its UUID".to_owned();
        }
        let values = self.values(entry, name);
        let is_list = matches!(name, "orderIds" | "cliOrdIds" | "contractType" | "symbols");
        if let ([first, rest @ ..], false) = (&values[..], is_list)
            && let Some(other) = rest.iter().find(|other| *other != first)
        {
            return format!("{name} is given twice and differently: {} and {}", quoted(first), quoted(other));
        }
        if values.is_empty() && entry.path.ends_with("/batchorder") {
            return self.batch(entry);
        }
        let Some(value) = values.first().cloned() else {
            return if entry.path.contains("/instruments/") {
                no_such_contract(&directory, &symbol_of(entry.path))
            } else {
                format!("{name} is missing")
            };
        };
        if name == "symbol" {
            return match directory.by_symbol(&value) {
                Some(_) => format!("{} is a contract that this is not for", quoted(&value)),
                None => no_such_contract(&directory, &value),
            };
        }
        if let ("orderIds" | "cliOrdIds", several) = (name, values.len())
            && several > loligo_wire::v3::requests::MAX_ORDER_IDS
        {
            return format!("{several} ids are more than {}", loligo_wire::v3::requests::MAX_ORDER_IDS);
        }
        format!("{name} is {}: {}", quoted(&value), wanted(name))
    }

    /// What is wrong with the batch: in which element, where that can be told.
    fn batch(&self, entry: &Came<'_>) -> String {
        let text = match self.argument_text(entry, "json") {
            Some(text) => text,
            None => return "json is missing".to_owned(),
        };
        let raw = entry.kept.and_then(|kept| {
            let args = Args::new(&kept.query, &kept.body).ok()?;
            let raw = args.raw_tail("json")?;
            raw.text
                .trim_ascii_start()
                .starts_with(b"{")
                .then(|| String::from_utf8_lossy(raw.text).into_owned())
        });
        let text = raw.unwrap_or(text);
        let mut values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
        let batch = match values.next() {
            Some(Ok(batch)) => batch,
            Some(Err(error)) => return format!("json is no JSON: {error}"),
            None => return "json is empty".to_owned(),
        };
        let Some(elements) = batch["batchOrder"].as_array() else {
            return r#"json is no object with a list: {"batchOrder": [...]}"#.to_owned();
        };
        if !(1..=500).contains(&elements.len()) {
            return format!("a batch has 1 to 500 elements, this one has {}", elements.len());
        }
        for (at, element) in elements.iter().enumerate() {
            let alone = format!("json={}", serde_json::json!({ "batchOrder": [element] }));
            let parsed = Args::new(b"", alone.as_bytes()).map(|args| BatchOrder::parse(&args));
            let told = match parsed {
                Ok(Err(RequestError::RequiredArgumentMissing(name))) => format!("{name} is missing"),
                Ok(Err(RequestError::InvalidArgument(name))) => {
                    format!("{name} is {}: {}", cut(&element[name].to_string()), wanted(name))
                }
                Ok(Err(RequestError::JsonParseError)) | Err(_) => "it cannot be read".to_owned(),
                Ok(Ok(_)) => match element["symbol"].as_str() {
                    Some(symbol) if self.views.directory().by_symbol(symbol).is_none() => {
                        no_such_contract(&self.views.directory(), symbol)
                    }
                    _ => continue,
                },
            };
            return format!("element {}: {told}", at + 1);
        }
        format!("processBefore is {}: {}", self.shown(entry, "processBefore"), wanted("processBefore"))
    }

    /// All values of an argument, decoded.
    fn values(&self, entry: &Came<'_>, name: &str) -> Vec<String> {
        let collect = |args: &Args<'_>| {
            let of_name = |given: &[u8]| {
                let bare = given.split(|byte| *byte == b'[').next().unwrap_or_default();
                bare.eq_ignore_ascii_case(name.as_bytes())
            };
            args.pairs()
                .filter(|(given, _)| of_name(given))
                .map(|(_, value)| match value.text() {
                    Ok(text) => text.into_owned(),
                    Err(_) => String::from_utf8_lossy(value.raw()).into_owned(),
                })
                .collect()
        };
        self.with_args(entry, collect).unwrap_or_default()
    }

    fn argument_text(&self, entry: &Came<'_>, name: &str) -> Option<String> {
        self.values(entry, name).into_iter().next()
    }

    /// An argument as it is shown in a sentence.
    fn shown(&self, entry: &Came<'_>, name: &str) -> String {
        self.argument_text(entry, name).map_or_else(|| format!("no {name}"), |text| quoted(&text))
    }

    fn with_args<R>(&self, entry: &Came<'_>, look: impl FnOnce(&Args<'_>) -> R) -> Option<R> {
        let kept = entry.kept?;
        Args::new(&kept.query, &kept.body).ok().map(|args| look(&args))
    }
}

/// How a body that is no form came instead.
fn not_a_form(kept: &Kept) -> Option<String> {
    let body = kept.body.trim_ascii_start();
    let json = kept.content_type.to_ascii_lowercase().contains("json")
        || (matches!(body.first(), Some(b'{' | b'[')) && !body.contains(&b'='));
    if json && !body.is_empty() && !body.starts_with(b"json=") {
        return Some("sent as JSON; this API takes forms".to_owned());
    }
    let multipart = kept.content_type.to_ascii_lowercase().starts_with("multipart/");
    multipart
        .then(|| "sent as multipart; this API takes forms (application/x-www-form-urlencoded)".to_owned())
}

/// What an argument must be.
fn wanted(name: &str) -> Cow<'static, str> {
    fn one_of(words: impl Iterator<Item = &'static str>) -> Cow<'static, str> {
        format!("it is one of {}", words.collect::<Vec<_>>().join(", ")).into()
    }
    match name {
        "orderType" => one_of(OrderType::ALL.iter().map(|word| word.as_str())),
        "side" => one_of(Side::ALL.iter().map(|word| word.as_str())),
        "triggerSignal" => "it is one of mark, index, last".into(),
        "trailingStopDeviationUnit" | "limitPriceOffsetUnit" => {
            one_of(DeviationUnit::ALL.iter().map(|word| word.as_str()))
        }
        "qtyMode" => one_of(QuantityMode::ALL.iter().map(|word| word.as_str())),
        "strategy" => one_of(SelfTradeStrategy::ALL.iter().map(|word| word.as_str())),
        "order" => "it is send, edit or cancel".into(),
        "size" | "limitPrice" | "stopPrice" | "amount" | "maxLeverage" | "trailingStopMaxDeviation" => {
            "that is no number".into()
        }
        "processBefore" | "lastTime" | "lastFillTime" => {
            "it is a time such as 2026-01-01T00:00:00.000Z".into()
        }
        "reduceOnly" | "tradingEnabled" => "it is true or false".into(),
        "timeout" => format!("it is a whole number of seconds, at most {MAX_TIMEOUT_SECONDS}").into(),
        "orderId" | "order_id" | "orderIds" => "an order's id is a UUID".into(),
        "fromUser" | "toUser" => "an account is named by its uid".into(),
        "json" => r#"it is {"batchOrder": [...]} with 1 to 500 elements"#.into(),
        _ => "it cannot be read".into(),
    }
}

fn no_such_contract(directory: &Directory, symbol: &str) -> String {
    let upper = symbol.to_ascii_uppercase();
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let candidates = [upper.replace("BTC", "XBT"), format!("PF_{}", plain(&upper).replace("BTC", "XBT"))];
    let alike = candidates.iter().find_map(|candidate| directory.by_symbol(candidate));
    match alike {
        Some(listed) => {
            format!("there is no contract {}: perhaps {}", quoted(symbol), listed.instrument.spec().symbol)
        }
        None => format!(
            "there is no contract {} (GET /derivatives/api/v3/instruments lists them)",
            quoted(symbol)
        ),
    }
}

/// The symbol that a path names.
fn symbol_of(path: &str) -> String {
    let path = path.strip_suffix("/status").unwrap_or(path);
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

fn rights_of(key: &ApiKey) -> &'static str {
    match (key.general, key.withdrawal) {
        (GeneralRight::Full, WithdrawalRight::Full) => "everything",
        (GeneralRight::Full, WithdrawalRight::None) => "everything but withdraw",
        (GeneralRight::ReadOnly, WithdrawalRight::Full) => "no more than ask and withdraw",
        (GeneralRight::ReadOnly, WithdrawalRight::None) => "no more than ask",
        (GeneralRight::None, WithdrawalRight::Full) => "no more than withdraw",
        (GeneralRight::None, WithdrawalRight::None) => "nothing",
    }
}

fn header(entry: &Came<'_>, which: impl FnOnce(&Kept) -> &Vec<u8>) -> String {
    entry.kept.map_or_else(String::new, |kept| quoted(&String::from_utf8_lossy(which(kept))))
}

/// A value in quotes, bounded, on one line.
fn quoted(value: &str) -> String {
    format!("{:?}", cut(value))
}

fn cut(value: &str) -> String {
    if value.chars().count() <= VALUE_CHARS {
        return value.to_owned();
    }
    value.chars().take(VALUE_CHARS).chain("...".chars()).collect()
}
