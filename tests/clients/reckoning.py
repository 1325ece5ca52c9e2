"""What the rules say that money comes to, in exact decimals: what scenarios compare with what their clients were told.

Nothing here asks an exchange. Tables and formulas are those of docs/rules.md, in the sections that are named.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, getcontext

# Quotients are rounded once, where a rule says so, and never by the way.
getcontext().prec = 60

GENESIS_MS = 1_767_225_600_000
SECOND_MS, MINUTE_MS, HOUR_MS = 1_000, 60_000, 3_600_000

# 9: what a wallet counts in.
WALLET = Decimal("1e-11")

# 4.8: the first tier.
MAKER, TAKER = Decimal("0.0002"), Decimal("0.0005")

# 5.3: haircut and conversion fee.
COLLATERAL = {
    "USD": ("0", "0"),
    "EUR": ("0", "0.0005"),
    "USDT": ("0.01", "0.0005"),
    "BTC": ("0.02", "0.005"),
    "ETH": ("0.02", "0.005"),
}

# 4.2: where each level of margin begins, in USD (linear) or contracts (inverse), and what it takes.
PF_XBTUSD = [
    (0, "0.01"), (1_000_000, "0.02"), (3_000_000, "0.04"), (10_000_000, "0.1"),
    (30_000_000, "0.2"), (50_000_000, "0.3"), (150_000_000, "0.5"),
]  # fmt: skip
PI_XBTUSD = [
    (0, "0.02"), (500_000, "0.04"), (1_000_000, "0.06"), (3_000_000, "0.1"),
    (6_000_000, "0.15"), (12_000_000, "0.25"), (20_000_000, "0.3"), (50_000_000, "0.4"),
]  # fmt: skip


def money(amount, rounding=ROUND_HALF_EVEN):
    """An amount at the 11 decimals of a wallet (9)."""
    # A quotient's last digits are no amount: three thirds are one, and not a hair less.
    return Context(prec=45).plus(Decimal(amount)).quantize(WALLET, rounding)


def down(amount):
    """As an amount is shown that is there."""
    return money(amount, ROUND_FLOOR)


def up(amount):
    """As an amount is shown, or taken, that is needed."""
    return money(amount, ROUND_CEILING)


def digits(price):
    """An average price as it is shown: 14 significant digits (9)."""
    return Context(prec=14, rounding=ROUND_HALF_EVEN).plus(Decimal(price))


def fee(value, rate=TAKER):
    """What is paid of a traded value."""
    return up(Decimal(value) * rate)


def kept(code):
    """What counts of a currency's worth (5.3)."""
    haircut, conversion = map(Decimal, COLLATERAL[code])
    return (1 - haircut) * (1 - conversion)


def collateral(held, index):
    """What a flex wallet counts for: the sum of quantity x index x what counts of it (5.3)."""
    return sum(Decimal(quantity) * Decimal(index[code]) * kept(code) for code, quantity in held.items())


def available(code, quantity, index, margin):
    """What may leave of a currency (6.1.7)."""
    return min(Decimal(quantity), max(Decimal(0), down(Decimal(margin) / (Decimal(index[code]) * kept(code)))))


def initial_margin(levels, size):
    """What a position takes that reaches over some levels: each slice at its own (4.2)."""
    ends = [start for start, _ in levels[1:]] + [None]
    total = Decimal(0)
    for (start, rate), end in zip(levels, ends, strict=True):
        top = size if end is None else min(size, end)
        total += max(Decimal(0), Decimal(top) - start) * Decimal(rate)
    return total


def maintenance_margin(levels, size):
    """Half of that (4.2)."""
    return initial_margin(levels, size) / 2


def linear_pnl(size, entry, price):
    """In USD; the size of a short is negative (4.1)."""
    return Decimal(size) * (Decimal(price) - Decimal(entry))


def inverse_pnl(size, entry, price):
    """In the base currency (4.1)."""
    return Decimal(size) * (1 / Decimal(entry) - 1 / Decimal(price))


def linear_entry(*fills):
    """Average entry price of fills, each a size and a price (4.1)."""
    return sum(Decimal(size) * Decimal(price) for size, price in fills) / sum(Decimal(size) for size, _ in fills)


def inverse_entry(*fills):
    """The harmonic one."""
    return sum(Decimal(size) for size, _ in fills) / sum(Decimal(size) / Decimal(price) for size, price in fills)
