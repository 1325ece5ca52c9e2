//! Whoever was answered sees it everywhere at once, on any connection, whatever others are doing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::api::Client;
use crate::venue::{Home, text};

const SYMBOL: &str = "PF_XBTUSD";
const FLAGS: [&str; 6] = ["--market", "none", "--clock", "manual", "--rate-limits", "off"];

#[test]
fn an_answer_is_followed_by_views_that_know_it() {
    let home = Home::new();
    let mut venue = home.start(&FLAGS);
    venue.pin(SYMBOL, "50000");
    let done = AtomicBool::new(false);
    let mut neighbours = [(1, venue.client(1)), (2, venue.client(2))];
    let mut clients = Clients {
        writer: venue.client(0),
        reader: venue.client(0),
        visitor: venue.visitor(),
        other: venue.client(3),
    };
    thread::scope(|scope| {
        // Two neighbours keep the writer and the views busy.
        for (index, neighbour) in &mut neighbours {
            let done = &done;
            scope.spawn(move || {
                for round in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let name = format!("n-{index}-{round}");
                    neighbour.place_limit(SYMBOL, "sell", "0.5", &(60_000 + round % 100).to_string(), &name);
                    let gone = neighbour.post("/cancelorder", &[("cliOrdId", name.as_str())]);
                    assert_eq!(gone["cancelStatus"]["status"], "cancelled", "{gone}");
                }
            });
        }
        let seen = scope.spawn(|| write_and_read(&mut clients)).join();
        // The neighbours must end even if that failed, or nobody would hear of it.
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = seen {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Two connections of one account, one of nobody, one of another account.
struct Clients {
    writer: Client,
    reader: Client,
    visitor: Client,
    other: Client,
}

fn write_and_read(clients: &mut Clients) {
    let Clients { writer, reader, visitor, other } = clients;
    for round in 0..150 {
        let name = format!("own-{round}");
        let price = 40_000 + round;
        let id = writer.place_limit(SYMBOL, "buy", "1", &price.to_string(), &name);
        let record = reader.status_by_name(&[&name]);
        assert_eq!((record.len(), &record[0]["status"]), (1, &json!("ENTERED_BOOK")), "round {round}");
        assert_eq!(
            reader.open_orders().iter().map(|o| text(&o["order_id"])).collect::<Vec<_>>(),
            [id.as_str()]
        );
        assert_eq!(best_bid(visitor), json!([price, 1]), "round {round}");

        // Another account takes a part of it: both see the trade, and so does the public.
        let sold = [
            ("orderType", "ioc"),
            ("symbol", SYMBOL),
            ("side", "sell"),
            ("size", "0.25"),
            ("limitPrice", "40000"),
        ];
        assert_eq!(other.place(&sold)["status"], "placed");
        let [order] = &reader.open_orders()[..] else { panic!("round {round}: one open order") };
        assert_eq!(
            (&order["status"], order["unfilledSize"].to_string()),
            (&json!("partiallyFilled"), "0.75".to_owned())
        );
        assert_eq!(best_bid(visitor), json!([price, 0.75]), "round {round}");
        let fills = reader.get("/fills", &[]);
        let of_this =
            fills["fills"].as_array().expect("fills").iter().filter(|fill| fill["order_id"] == id.as_str());
        assert_eq!(of_this.count(), 1, "round {round}");
        let positions = reader.get("/openpositions", &[]);
        let bought = round + 1;
        let expected = format!("{}{}", bought / 4, ["", ".25", ".5", ".75"][bought % 4]);
        assert_eq!(positions["openPositions"][0]["size"].to_string(), expected, "round {round}");

        assert_eq!(
            writer.post("/cancelorder", &[("order_id", id.as_str())])["cancelStatus"]["status"],
            "cancelled"
        );
        assert_eq!(reader.open_orders(), Vec::<Value>::new(), "round {round}");
        assert_eq!(reader.status_by_name(&[&name])[0]["status"], "CANCELLED");
        assert_eq!(best_bid(visitor), Value::Null, "round {round}");
    }
}

fn best_bid(visitor: &mut Client) -> Value {
    visitor.get("/orderbook", &[("symbol", SYMBOL)])["orderBook"]["bids"][0].clone()
}
