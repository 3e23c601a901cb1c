-- From version 1, where the source of an article was the identifier of its feed, to version 2, which has the name too.
-- A feed that is not listed here gets its name when one of its articles is published again.
ALTER TABLE articles ADD COLUMN source_id TEXT NOT NULL DEFAULT '';
UPDATE articles SET source_id = source, source = CASE source
    WHEN 'coindesk' THEN 'CoinDesk'
    WHEN 'cointelegraph' THEN 'CoinTelegraph'
    WHEN 'decrypt' THEN 'Decrypt'
    WHEN 'cryptoslate' THEN 'CryptoSlate'
    WHEN 'bitcoin_magazine' THEN 'Bitcoin Magazine'
    WHEN 'cryptopanic' THEN 'CryptoPanic'
    ELSE source
END;
