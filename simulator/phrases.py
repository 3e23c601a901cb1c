"""What the newsroom of ``stories.py`` writes with."""

MOODS = {
    "crash": (
        "{name} crashes {percent}% in minutes",
        "Crypto bloodbath: {name} plunges to {price}",
        "{name} collapses below {level}",
        "Panic selling hits {name}, down {percent}%",
    ),
    "fall": (
        "{name} slides below {level}",
        "{name} drops {percent}% in four hours",
        "Bears push {name} down to {price}",
        "{symbol} tumbles {percent}%",
        "{name} loses {percent}%",
    ),
    "dip": (
        "{name} slips toward {level}",
        "{name} eases to {price}",
        "{symbol} edges lower to {price}",
        "{name} struggles to hold {level}",
    ),
    "flat": (
        "{name} treads water near {level}",
        "{name} holds {price}",
        "{symbol} stuck around {level}",
        "{name} range tightens at {price}",
    ),
    "rise": (
        "{name} climbs back above {level}",
        "{name} gains {percent}%",
        "{symbol} inches higher to {price}",
        "{name} reclaims {level}",
    ),
    "rally": (
        "{name} surges {percent}% to {price}",
        "{name} rallies above {level}",
        "{symbol} breakout: price jumps {percent}%",
        "{name} soars past {level}",
        "Bulls lift {name} by {percent}%",
    ),
}
"""How titles begin, by what the price did."""

_WORSE = (
    "as liquidations reach ${millions} million",
    "amid heavy ETF outflows",
    "after hawkish Fed remarks",
    "as fear returns to the market",
    "while miners send coins to exchanges",
    "on weak spot demand",
    "as a large holder sells",
    "after lawsuit against exchange",
    "amid thin weekend liquidity",
    "as traders cut risk",
    "after ${millions} million hack",
    "as analysts warn of deeper correction",
    "while stocks slump",
)
_EVEN = (
    "as volatility dries up",
    "while traders wait for direction",
    "ahead of inflation data",
    "in quiet trading",
    "as volumes thin out",
    "while options point to calm",
    "ahead of ${millions} million expiry",
    "as charts give no clue",
    "with {count} days to the next decision on rates",
    "while funding stays neutral",
    "as buyers and sellers balance",
)
_BETTER = (
    "on ${millions} million of ETF inflows",
    "as bulls take charge",
    "after upbeat inflation data",
    "as shorts worth ${millions} million are liquidated",
    "on strong spot demand",
    "as funds add exposure",
    "after approval of new product",
    "while stocks rally",
    "as optimism returns",
    "with {count} banks said to be buying",
    "as on-chain activity grows",
    "after partnership with payments firm",
    "on record staking",
)
ENDINGS = {"crash": _WORSE, "fall": _WORSE, "dip": _WORSE, "flat": _EVEN, "rise": _BETTER, "rally": _BETTER}
"""How titles end, by what the price did.

Their counts have no common factor with those of the beginnings, so that pairs repeat late.
"""

PEGGED = (
    "Tether loses dollar peg, USDT trades at {price}",
    "USDT depeg deepens: stablecoin falls to {price}, ${millions} million redeemed",
    "Traders rush out of USDT as price slips to {price} on {count} exchanges",
    "Tether at {price}: what the depeg means for {count} exchanges",
)

GENERAL = (
    "Regulators open consultation on {name} custody rules for {count} banks",
    "{count} banks join pilot for {name} settlement",
    "{name} developers schedule upgrade in {count} weeks",
    "Court sets date in ${millions} million {name} lawsuit",
    "Asset manager files for {name} fund with ${millions} million seed",
    "Wallet maker warns of phishing campaign against {name} holders, {count} victims known",
    "{name} transactions at {count}-month high, data shows",
    "Exchange lists {count} new {name} trading pairs",
    "Hacker returns part of ${millions}M stolen from {name} bridge",
    "Survey: {count}% of small investors plan to hold {name} for years",
    "Lawmakers debate {name} tax exemption below ${millions}",
    "{name} foundation awards ${millions} million in grants",
    "Payment firm adds {name} support in {count} countries",
    "Fund manager trims {name} position by ${millions} million",
)
"""Titles of stories which have nothing to do with the price."""

SUMMARIES = {
    "fall": (
        "{name} traded at {price} after a move of {percent}% in four hours, while derivatives data point to caution.",
        "Selling pressure weighs on {symbol}; traders name {level} as the level to watch.",
        "Outflows and thin order books left {name} at {price}.",
    ),
    "rise": (
        "{name} traded at {price} after a move of {percent}% in four hours, with spot buyers in the lead.",
        "Demand supports {symbol}; traders name {level} as the level to watch.",
        "Funding rates stay moderate while {name} changes hands at {price}.",
    ),
    "general": (
        "The step follows months of talks in the industry.",
        "Details are expected within {count} days, people familiar with the matter said.",
        "{name} was trading at {price} at the time of publication.",
    ),
}

AUTHORS = (
    "Mara Lindqvist",
    "Tobias Okafor",
    "Elena Varga",
    "Jun Nakamori",
    "Priya Raman",
    "Samuel Ortega",
    "Klara Weiss",
    "Dmitri Hale",
)
