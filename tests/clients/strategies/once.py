"""A strategy for the scenarios: one trade in each pair, long in bitcoin and short in anything else, as soon as there is a candle."""

from freqtrade.persistence import Trade
from freqtrade.strategy import IStrategy


class Once(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    can_short = True
    # More than an exchange that has just begun has lived through, so that there must be a past.
    startup_candle_count = 200
    process_only_new_candles = False
    minimal_roi = {"0": 0.01}
    stoploss = -0.06
    order_types = {
        "entry": "market", "exit": "market", "stoploss": "market",
        "stoploss_on_exchange": True, "stoploss_on_exchange_interval": 60, "stoploss_price_type": "mark",
    }  # fmt: skip

    def leverage(self, pair, **_):
        return 3.0

    def confirm_trade_entry(self, pair, **_):
        return not Trade.get_trades_proxy(pair=pair)

    def populate_indicators(self, dataframe, metadata):
        dataframe["mean"] = dataframe["close"].rolling(self.startup_candle_count).mean()
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        side = "enter_long" if metadata["pair"].startswith("BTC") else "enter_short"
        # Without as many candles as it asked for there is no mean, and no trade.
        dataframe[side] = dataframe["mean"].notna().astype(int)
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe
