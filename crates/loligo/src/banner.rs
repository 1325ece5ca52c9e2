//! What the screen shows once the exchange is ready: where it is, who may trade, and how each client gets there.

use crate::args::{Clock, LogWhich, Market, Serve, Signatures, Switch};
use loligo_server::config::PastLength;
use loligo_server::{StartAccount, StartFile};
use std::fmt::Write as _;

/// What most people trade first, if it is listed.
const SYMBOL: &str = "PF_XBTUSD";

/// The whole banner; `symbols` are those of the contracts that are listed.
pub(crate) fn text(start: &StartFile, args: &Serve, symbols: &[&str]) -> String {
    let mut text = String::new();
    write(&mut text, start, args, symbols).unwrap_or_default();
    text
}

fn write(out: &mut String, start: &StartFile, args: &Serve, symbols: &[&str]) -> std::fmt::Result {
    writeln!(out, "Loligo {} is a futures exchange on this machine.\n", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  http      {}", start.http)?;
    writeln!(out, "  ws        {}", start.ws)?;
    if let Some(https) = &start.https {
        writeln!(out, "  https     {https}")?;
    }
    if let Some(wss) = &start.wss {
        writeln!(out, "  wss       {wss}")?;
    }
    if let Some(certificate) = &start.ca_certificate {
        writeln!(out, "            trust {}", certificate.display())?;
    }
    match &start.data {
        Some(data) => writeln!(out, "  data      {} (survives a restart)", data.display())?,
        None => writeln!(out, "  data      in memory (gone when it stops)")?,
    }
    let market = match args.market {
        Some(Market::None) => "none (books are empty until you quote)",
        Some(Market::Live) | None => "live (the house quotes and trades)",
    };
    writeln!(out, "  market    {market}")?;
    if let Some(PastLength::Days(days)) = args.past {
        writeln!(out, "  past      {days} days before it began are made up")?;
    }
    match args.clock {
        Some(Clock::Real) | None => writeln!(out, "  clock     real")?,
        Some(Clock::Manual) => {
            writeln!(out, "  clock     manual: it stands until POST {}/loligo/v1/clock", start.http)?
        }
    }
    writeln!(out, "  seed      {}", start.seed)?;
    if args.rate_limits == Switch::Off {
        writeln!(out, "  rates     off")?;
    }
    if args.signatures == Signatures::Strict {
        writeln!(out, "  signing   strict (by the published rule alone)")?;
    }
    if args.status_for_read_only_keys == Switch::On {
        writeln!(out, "  status    read-only keys may ask /orders/status, too")?;
    }
    let token = match &args.control_token {
        Some(_) => "the token that you gave",
        None => &start.control_token,
    };
    writeln!(out, "  control   {}/loligo/v1 (a list), Authorization: Bearer {token}", start.http)?;
    let requests = format!("the last 1,000 at GET {}/loligo/v1/requests", start.http);
    match args.log {
        LogWhich::None => writeln!(out, "  log       none (--log refusals tells why a request is refused)")?,
        LogWhich::Refusals => {
            writeln!(out, "  log       why requests are refused, on standard error; {requests}")?
        }
        LogWhich::Requests => writeln!(out, "  log       all requests, on standard error; {requests}")?,
    }
    accounts(out, start)?;
    let symbol = symbols.iter().find(|symbol| **symbol == SYMBOL).or(symbols.first());
    if let (Some(account), Some(symbol)) = (start.accounts.first(), symbol) {
        recipes(out, start, account, symbol)?;
    }
    write!(out, "\nCtrl-C stops it.")
}

fn accounts(out: &mut String, start: &StartFile) -> std::fmt::Result {
    let verb = format!("{}/loligo/v1/accounts", start.http);
    if start.accounts.is_empty() {
        return writeln!(out, "\nNo accounts come with this start: POST {verb} opens one, GET lists all.");
    }
    writeln!(out, "\nAccounts (the keys come from the seed: for rehearsals only)")?;
    for account in &start.accounts {
        writeln!(out, "  {}", account.name)?;
        writeln!(out, "    uid        {}", account.uid)?;
        writeln!(out, "    key        {}", account.api_key)?;
        writeln!(out, "    secret     {}", account.api_secret)?;
        writeln!(out, "    read-only  {}", account.read_only.api_key)?;
        writeln!(out, "    secret     {}", account.read_only.api_secret)?;
    }
    Ok(())
}

/// Ready to paste, for the first account.
fn recipes(out: &mut String, start: &StartFile, account: &StartAccount, symbol: &str) -> std::fmt::Result {
    // ccxt takes a contract by the exchange's own symbol, too.
    let unified = if symbol == SYMBOL { "BTC/USD:USD" } else { symbol };
    let (http, ws, key, secret) = (&start.http, &start.ws, &account.api_key, &account.api_secret);
    writeln!(
        out,
        r#"
ccxt (Python)
  import ccxt
  exchange = ccxt.krakenfutures({{"apiKey": "{key}",
      "secret": "{secret}"}})
  exchange.urls["api"] = {{"public": "{http}/derivatives/api/", "private": "{http}/derivatives/api/",
      "charts": "{http}/api/charts/", "history": "{http}/api/history/", "ws": "{ws}"}}
  print(exchange.create_order("{unified}", "limit", "buy", 0.1, 50000))

python-kraken-sdk
  from kraken.futures import Trade
  trade = Trade(key="{key}",
      secret="{secret}", url="{http}")
  print(trade.create_order("lmt", 0.1, "{symbol}", "buy", limitPrice=50000))

freqtrade (config.json)
  "exchange": {{"name": "krakenfutures", "key": "{key}",
    "secret": "{secret}",
    "ccxt_config": {{"urls": {{"api": {{"public": "{http}/derivatives/api/", "private": "{http}/derivatives/api/",
      "charts": "{http}/api/charts/", "history": "{http}/api/history/", "ws": "{ws}"}}}}}}}}

NautilusTrader (Kraken client config)
  base_url_http_futures="{http}", base_url_ws_futures="{ws}",
  api_key="{key}",
  api_secret="{secret}""#
    )?;
    if let (Some(https), Some(wss)) = (&start.https, &start.wss) {
        writeln!(
            out,
            r#"
kraken-cli
  export KRAKEN_FUTURES_URL={https}/derivatives/api/v3 KRAKEN_FUTURES_WS_URL={wss}
  export KRAKEN_DANGER_ALLOW_ANY_URL_HOST=1 KRAKEN_DANGER_ACCEPT_INVALID_CERTS=1
  export KRAKEN_FUTURES_API_KEY={key}
  export KRAKEN_FUTURES_API_SECRET={secret}"#
        )?;
    }
    writeln!(out, "\ncurl\n  curl {http}/derivatives/api/v3/tickers/{symbol}")
}
