//! What this crate says, held against the contract of the repository: the published seed, `rest.yaml`, `history.yaml`,
//! `charts.yaml`, and the schema and examples of the WebSocket API.

#[path = "contract/account.rs"]
mod account;
#[path = "contract/charts.rs"]
mod charts;
#[path = "contract/contract.rs"]
mod contract;
#[path = "contract/errors.rs"]
mod errors;
#[path = "contract/history.rs"]
mod history;
#[path = "contract/keys.rs"]
mod keys;
#[path = "contract/margin.rs"]
mod margin;
#[path = "contract/market.rs"]
mod market;
#[path = "contract/market_feeds.rs"]
mod market_feeds;
#[path = "contract/orders.rs"]
mod orders;
#[path = "contract/private_feeds.rs"]
mod private_feeds;
#[path = "contract/sample.rs"]
mod sample;
#[path = "contract/settings.rs"]
mod settings;
#[path = "contract/status.rs"]
mod status;
#[path = "contract/words.rs"]
mod words;
#[path = "contract/ws1.rs"]
mod ws1;
