"""NautilusTrader's Kraken adapter against a running exchange, by hand: it needs Python 3.12 and close to a gigabyte of packages.

    loligo serve --ephemeral --feed-delay 20ms --config-out loligo.json
    pip install nautilus_trader==1.231.0
    python nautilus.py loligo.json trade     # orders of every kind that it sends, a position, what is left resting
    python nautilus.py loligo.json again     # a new node finds all that again, and clears it away

Each run ends with 0 and a line for every rule that held, or with 1 and the rule that did not. What the exchange says is asked
over REST, past the adapter.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import traceback
import urllib.request
from decimal import Decimal

import pandas as pd
from nautilus_trader.adapters.kraken import (
    KRAKEN,
    KrakenDataClientConfig,
    KrakenExecClientConfig,
    KrakenLiveDataClientFactory,
    KrakenLiveExecClientFactory,
)
from nautilus_trader.config import InstrumentProviderConfig, LiveExecEngineConfig, LoggingConfig, StrategyConfig, TradingNodeConfig
from nautilus_trader.core.nautilus_pyo3 import KrakenProductType
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import BookType, OrderSide, TriggerType
from nautilus_trader.model.identifiers import InstrumentId, TraderId, Venue
from nautilus_trader.trading.strategy import Strategy

ID = InstrumentId.from_str("PF_XBTUSD.KRAKEN")
LOT = Decimal("0.01")
# Takers of the house come every three seconds, from either side.
SECONDS_MAX = 60

with open(sys.argv[1]) as start_file:
    start = json.load(start_file)
account = start["accounts"][5]


def ask(path):
    """What the exchange answers the account itself."""
    path = f"/api/v3{path}"
    digest = hashlib.sha256(path.encode()).digest()
    signature = base64.b64encode(hmac.new(base64.b64decode(account["api_secret"]), digest, hashlib.sha512).digest())
    headers = {"APIKey": account["api_key"], "Authent": signature.decode()}
    with urllib.request.urlopen(urllib.request.Request(f"{start['http']}/derivatives{path}", headers=headers)) as answer:
        return json.load(answer, parse_float=Decimal)


class Rules(Strategy):
    """Does one thing after another, each once the rule before it holds."""

    def __init__(self, steps, claims):
        super().__init__(StrategyConfig(strategy_id="RULES-001", external_order_claims=claims))
        self.steps, self.rule, self.seconds, self.failed = steps(self), None, 0, None
        self.events, self.heard, self.quote = [], set(), None

    def on_start(self):
        self.subscribe_quote_ticks(ID)
        self.subscribe_trade_ticks(ID)
        self.subscribe_order_book_deltas(ID, book_type=BookType.L2_MBP)
        self.subscribe_mark_prices(ID)
        self.subscribe_funding_rates(ID)
        self.request_bars(BarType.from_str(f"{ID}-1-MINUTE-LAST-EXTERNAL"), start=self.clock.utc_now() - pd.Timedelta(hours=2))
        self.clock.set_timer("second", pd.Timedelta(seconds=1), callback=self.on_second)

    def on_quote_tick(self, quote):
        self.heard.add("quotes")
        self.quote = quote

    def on_trade_tick(self, _):
        self.heard.add("trades")

    def on_order_book_deltas(self, _):
        self.heard.add("book")

    def on_mark_price(self, _):
        self.heard.add("marks")

    def on_funding_rate(self, _):
        self.heard.add("funding")

    def on_historical_data(self, _):
        self.heard.add("candles")

    def on_order_event(self, event):
        self.events.append((event.client_order_id, type(event).__name__.removeprefix("Order")))

    def told(self, order):
        """What the strategy was told of an order since it was sent."""
        return [word for id, word in self.events if id == order.client_order_id and word not in ("Initialized", "Submitted")]

    def send(self, make, *words, size=LOT, **options):
        order = make(ID, *words, self.cache.instrument(ID).make_qty(size), **options)
        self.submit_order(order)
        return order

    def limit(self, price, side=OrderSide.BUY, **options):
        return self.send(self.order_factory.limit, side, price=self.price(price), **options)

    def price(self, price):
        return self.cache.instrument(ID).make_price(int(price))

    def position(self):
        return self.portfolio.net_position(ID)

    def on_second(self, _):
        self.seconds += 1
        try:
            while self.rule is None or self.rule[1]():
                if self.rule:
                    print("held:", self.rule[0], flush=True)
                self.rule, self.seconds = next(self.steps), 0
            assert self.seconds < SECONDS_MAX, f"does not hold: {self.rule[0]}; told {self.events}, heard {self.heard}"
        except StopIteration:
            self.end()
        except Exception:
            self.failed = traceback.format_exc()
            self.end()

    def end(self):
        self.clock.cancel_timer("second")
        threading.Thread(target=node.stop).start()


def trade(at):
    """Orders of every kind that the adapter sends."""
    with urllib.request.urlopen(f"{start['http']}/derivatives/api/v3/instruments") as answer:
        listed = {row["symbol"] for row in json.load(answer)["instruments"]}
    yield "every contract is loaded", lambda: {each.id.symbol.value for each in at.cache.instruments()} == listed
    wanted = {"quotes", "trades", "book", "marks", "candles"}
    if ask(f"/tickers/{ID.symbol}")["ticker"].get("fundingRate"):
        wanted.add("funding")  # The feed tells no rate of zero.
    yield "all that was asked for is heard", lambda: at.heard >= wanted
    bid, ask_price = (Decimal(str(side)) for side in (at.quote.bid_price, at.quote.ask_price))

    rest, away = at.limit(bid * 9 / 10), at.limit(bid * 8 / 10, post_only=True)
    yield "orders that rest are accepted", lambda: at.told(rest) == at.told(away) == ["Accepted"]
    refused = at.limit(ask_price * 101 / 100, post_only=True)
    yield "a post-only order that would cross is refused", lambda: at.told(refused) == ["Rejected"]
    huge = at.limit(bid * 9 / 10, size=Decimal(99999))
    yield "an order beyond every limit is refused", lambda: at.told(huge) == ["Rejected"]
    at.cancel_order(away)
    yield "a cancelled order is told so", lambda: at.told(away) == ["Accepted", "PendingCancel", "Canceled"]
    at.modify_order(rest, quantity=at.cache.instrument(ID).make_qty(2 * LOT), price=at.price(bid * 88 / 100))
    yield "an edited order has its new terms", lambda: (rest.quantity, rest.price) == (2 * LOT, at.price(bid * 88 / 100))

    near = at.limit(Decimal(str(at.quote.bid_price)))
    yield "an order at the touch is accepted, and filled as it rests", lambda: at.told(near) == ["Accepted", "Filled"]
    market = at.send(at.order_factory.market, OrderSide.BUY)
    yield "a market order is filled at once", lambda: at.told(market) == ["Filled"]
    stop = at.send(at.order_factory.stop_market, OrderSide.SELL, trigger_price=at.price(bid * 8 / 10),
                   trigger_type=TriggerType.MARK_PRICE, reduce_only=True)  # fmt: skip
    yield "a stop waits", lambda: at.told(stop) == ["Accepted"]
    yield "the position is the sum of the fills", lambda: at.position() == 2 * LOT
    [position] = ask("/openpositions")["openPositions"]
    mean = (Decimal(str(near.avg_px)) + Decimal(str(market.avg_px))) / 2
    yield "and the exchange's, at their mean price", lambda: (position["size"], position["price"]) == (2 * LOT, mean)
    resting = {order["order_id"] for order in ask("/openorders")["openOrders"]}
    yield "what rests is what the exchange says", lambda: resting == {str(each.venue_order_id) for each in (rest, stop)}


def again(at):
    """A new node begins with what is there, and clears it away."""
    rows = ask("/openorders")["openOrders"]
    assert len(rows) == 2, "`trade` runs before this, once"
    found = {str(order.venue_order_id): order.quantity for order in at.cache.orders_open()}
    yield "reconciliation finds what rests", lambda: found == {row["order_id"]: row["unfilledSize"] for row in rows}
    [position] = ask("/openpositions")["openPositions"]
    yield "and the position", lambda: at.position() == position["size"]
    flex = ask("/accounts")["accounts"]["flex"]
    balance = at.cache.account_for_venue(Venue(KRAKEN)).balances()
    [usd] = [held for currency, held in balance.items() if currency.code == "USD"]
    # It was told some seconds ago, and the mark has moved since.
    yield "and the money", lambda: abs(usd.free.as_decimal() - flex["availableMargin"]) < 10
    at.cancel_all_orders(ID)
    # The adapter is told by a short message, which it passes over where it heard nothing of the order before in this run.
    yield "cancelling all leaves nothing on the exchange", lambda: ask("/openorders")["openOrders"] == []
    at.close_all_positions(ID)
    yield "a position that is closed is flat", lambda: at.position() == 0 and ask("/openpositions")["openPositions"] == []


stage = {"trade": trade, "again": again}[sys.argv[2]]
client = {
    "api_key": account["api_key"], "api_secret": account["api_secret"], "product_types": (KrakenProductType.FUTURES,),
    "base_url_http_futures": start["http"], "base_url_ws_futures": start["ws"],
    "instrument_provider": InstrumentProviderConfig(load_all=True),
}  # fmt: skip
node = TradingNode(
    TradingNodeConfig(
        trader_id=TraderId("TRADER-001"),
        logging=LoggingConfig(log_level="ERROR"),
        exec_engine=LiveExecEngineConfig(reconciliation=True, reconciliation_startup_delay_secs=1),
        data_clients={KRAKEN: KrakenDataClientConfig(**client)},
        exec_clients={KRAKEN: KrakenExecClientConfig(**client)},
        timeout_disconnection=5.0,
        timeout_post_stop=1.0,
    )
)
rules = Rules(stage, [ID] if stage is again else None)
node.trader.add_strategy(rules)
node.add_data_client_factory(KRAKEN, KrakenLiveDataClientFactory)
node.add_exec_client_factory(KRAKEN, KrakenLiveExecClientFactory)
node.build()
try:
    node.run()
finally:
    node.dispose()
print(rules.failed or "all held", flush=True)
# Threads of the library may outlive it.
os._exit(1 if rules.failed else 0)
