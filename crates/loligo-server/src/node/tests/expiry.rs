//! Contracts end while nobody is there, amid a record, and within a jump: it comes to what an undisturbed run comes to.

use super::rolls::{at, left_behind, manual};
use super::*;
use crate::config::ClockKind;
use crate::listing::Listing;
use crate::node::verify_folder;
use crate::record::{Body, Record};
use loligo_engine::Event;
use tempfile::TempDir;

const BORN: &str = "2024-01-25T00:00:00Z";
const ENDS: &str = "2024-01-26T08:00:00Z";
/// Accounts that buy a lot each from the first one.
const BUYERS: u32 = 130;

fn record(time: &str, command: Command) -> Record {
    Record { time: at(time), nonce: None, body: Body::Command(command) }
}

/// All that happens before the first linear contract ends: its index pinned, and a crowd of holders.
fn trades() -> Vec<Record> {
    let listed = Listing::standard(at(BORN)).instruments;
    let found = listed.iter().position(|spec| spec.symbol == "FF_XBTUSD_240126").unwrap();
    let instrument = InstrumentId(u16::try_from(found).unwrap());
    let price = Some(loligo_engine::FinePrice(80_000 * 10_i128.pow(18)));
    let time = "2024-01-25T01:00:00Z";
    let mut records = vec![record(time, Command::PinPrices { instrument, index: price, mark: None })];
    for buyer in 1..=BUYERS {
        for (account, side) in [(AccountId(0), Side::Sell), (AccountId(buyer), Side::Buy)] {
            records.push(record(
                time,
                Command::Place(PlaceOrder {
                    account,
                    instrument,
                    side,
                    order_type: OrderType::Limit,
                    qty: OnGrid::Steps(1),
                    limit_price: Some(OnGrid::Steps(80_000)),
                    stop_price: None,
                    trigger: None,
                    limit_offset: None,
                    reduce_only: false,
                    client_order_id: None,
                    algo_id: None,
                    process_before: None,
                }),
            ));
        }
    }
    records
}

fn config(folder: &std::path::Path) -> Config {
    Config { accounts: BUYERS + 1, ..manual(folder, BORN) }
}

/// Goes on with what was left behind, up to a time: the hash of the state, and how many positions are open.
async fn gone_on(config: &Config, until: &str) -> ([u8; 32], usize) {
    let node = spawn(config).unwrap();
    node.handle().set_time(at(until)).await.unwrap();
    assert_eq!(node.handle().now(), at(until));
    let seen = node.handle().query(|exchange| {
        let open = (0..=BUYERS).map(|account| exchange.positions(AccountId(account)).len()).sum();
        exchange.audit().expect("sound");
        (exchange.state_hash(), open)
    });
    let seen = seen.await.unwrap();
    node.stop();
    seen
}

#[tokio::test]
async fn a_journal_that_ends_amid_a_settlement_goes_on_to_the_state_of_one_that_does_not() {
    let mut found = Vec::new();
    // Ends of the journal: a day before; at the last instant, with no step of it remembered, and with one or two records of steps.
    for records in [None, Some(0), Some(1), Some(2)] {
        let folder = TempDir::new().unwrap();
        let config = config(folder.path());
        let mut later = trades();
        if let Some(records) = records {
            later.push(record("2024-01-26T07:59:59.999999Z", Command::Advance));
            // A day of hours goes by in bounded steps, too.
            let passing = later.last().unwrap().clone();
            later.extend(std::iter::repeat_n(passing, 60));
            later.extend(std::iter::repeat_n(record(ENDS, Command::Advance), records));
        }
        left_behind(&config, at(BORN), &later);
        found.push(gone_on(&config, "2024-01-28T00:00:00Z").await);
        verify_folder(folder.path()).unwrap();
    }
    assert!(found.iter().all(|(_, open)| *open == 0), "{found:?}");
    assert!(found.iter().all(|(state, _)| *state == found[0].0), "{found:?}");
}

#[tokio::test]
async fn what_ended_while_the_exchange_was_down_settles_at_its_own_instant() {
    let folder = TempDir::new().unwrap();
    let config = Config { clock: ClockKind::Real, ..config(folder.path()) };
    left_behind(&config, at(BORN), &trades());
    let node = spawn(&config).unwrap();
    let (open, contract) = node
        .handle()
        .query(|exchange| {
            let open: usize = (0..=BUYERS).map(|account| exchange.positions(AccountId(account)).len()).sum();
            exchange.audit().expect("sound");
            let found = exchange.instruments().find(|(_, i)| i.spec().symbol == "FF_XBTUSD_240126");
            (open, found.and_then(|(id, _)| exchange.market(id)).unwrap())
        })
        .await
        .unwrap();
    assert_eq!((open, contract.open_interest.0, contract.ends_at), (0, 0, Some(at(ENDS))));
    node.stop();
    // Every settlement bears the last trading time.
    let mut exchange = loligo_engine::Exchange::new();
    let (mut told, mut settled) = (Vec::new(), Vec::new());
    let journal = loligo_journal::StoppedJournal::open(folder.path()).unwrap();
    let mut reader = journal.reader(1).unwrap();
    while let Some(batch) = reader.next_batch().unwrap() {
        for (_, bytes) in batch.iter() {
            let record = Record::decode(bytes).unwrap();
            let command = match record.body {
                Body::Genesis { command, .. } | Body::Command(command) => command,
                Body::Fact(_) | Body::Crossing(_) => Command::Advance,
            };
            exchange.apply(record.time, &command, &mut told);
            settled.extend(told.drain(..).filter_map(|event| match event {
                Event::Settled(one) => Some((one.at, one.price)),
                _ => None,
            }));
        }
    }
    assert_eq!(settled.len(), BUYERS as usize + 1);
    let price = loligo_engine::FinePrice(80_000 * 10_i128.pow(18));
    assert!(settled.iter().all(|one| *one == (at(ENDS), price)), "{settled:?}");
}
