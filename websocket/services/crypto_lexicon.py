"""Words of crypto headlines that VADER does not know, or knows with another meaning.

The scale is VADER's own: from -4 (as bad as can be) over 0 (says nothing) to 4 (as good as can be), as the mean of what
ten people felt. For comparison, VADER has ``good`` at 1.9, ``great`` at 3.1, ``bad`` at -2.5 and ``disaster`` at -3.1.
Ours say what a word means for prices: 1 is a hint, 2 is clear, 3 is strong; only the end of a market is beyond that.
VADER compares single words in lower case, so each form of a word has its own entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def _all(value: float, words: str) -> Iterable[tuple[str, float]]:
    return ((word, value) for word in words.split())


CRYPTO_LEXICON: Mapping[str, float] = dict(
    (
        # prices that rise
        *_all(3.0, "skyrockets skyrocket skyrocketing moon mooning moonshot"),
        *_all(2.6, "surge surges surged surging soar soars soared soaring ath"),
        *_all(2.3, "rally rallies rallied rallying breakout bullish bull bulls outperform outperforms"),
        *_all(1.8, "jump jumps jumped jumping rebound rebounds rebounded recover recovers recovered recovery"),
        *_all(1.6, "rise rises rising rose climb climbs climbed climbing gain gains gained uptrend upside"),
        *_all(1.3, "rebounding accumulate accumulates accumulation accumulating buys buying undervalued uptick green"),
        # prices that fall
        *_all(-3.0, "crash crashes crashed crashing capitulation meltdown bloodbath"),
        *_all(-2.6, "plunge plunges plunged plunging plummet plummets plummeted collapse collapses collapsed nosedive"),
        *_all(-2.3, "tumble tumbles tumbled tumbling bearish bear bears dump dumps dumped dumping selloff sell-off"),
        *_all(-1.8, "slump slumps slumped sink sinks sank slide slides slid sliding tank tanks tanked downtrend"),
        *_all(-1.5, "drop drops dropped dropping fall falls falling fell decline declines declined dip dips dipped"),
        *_all(-1.2, "correction pullback retreat retreats outflow outflows downside overvalued selling resistance"),
        # money and markets
        *_all(1.8, "inflow inflows adoption adopts adopt halving"),
        *_all(-2.4, "liquidation liquidations liquidated liquidates"),
        *_all(-1.6, "inflation tariff tariffs recession hawkish"),
        *_all(1.4, "dovish easing stimulus"),
        *_all(1.2, "partnership partners integrates integration upgrade upgrades mainnet institutional"),
        *_all(1.0, "launches launch launched unveils listing listed raises"),
        # the law
        *_all(2.4, "approval approvals approve approves approved greenlight greenlights"),
        *_all(-2.2, "lawsuit lawsuits sue sues sued indicted indictment charged charges fraud fraudulent"),
        *_all(-2.0, "ban bans banned crackdown crackdowns sanction sanctions sanctioned probe probes subpoena"),
        *_all(-1.6, "delist delists delisted delisting reject rejects rejected halts halted suspends suspended delays"),
        # safety
        *_all(-3.2, "hack hacks hacked hacker hackers exploit exploits exploited rugpull rug rugged ponzi insolvent"),
        *_all(
            -2.8, "depeg depegs depegged depegging drained drains stolen breach breached phishing scam scams insolvency"
        ),
        *_all(-2.4, "bankruptcy bankrupt vulnerability outage laundering fud contagion"),
        # words that VADER takes for moods, and that are only terms here
        *_all(
            0.0, "block blocks blocking trust interest security securities share shares treasury cut cuts top united"
        ),
        *_all(0.0, "value worth free debt alert strike low support supports easy fine greed fear risk token"),
    )
)
"""Word in lower case to how good it is."""
