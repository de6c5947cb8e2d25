extension Migrations {
    /// The wallet: meters of computes, the ledger of each team, and its balance and standing.
    ///
    /// The ledger is a chain that the constraints hold together: each entry begins with the balance that the one before
    /// ended with, and the wallet is the end of the chain. An entry can't be taken out or change its amounts, since the
    /// next one, or the wallet, refers to it.
    @Sendable
    static func schema6(_ dialect: Dialect) -> [String] { meters + wallets }

    private static var meters: [String] {
        [
            """
            CREATE TABLE meters (
                compute_id BIGINT NOT NULL PRIMARY KEY REFERENCES computes (id),
                team_id BIGINT NOT NULL REFERENCES teams (id),
                began_at_ms BIGINT,
                ended_at_ms BIGINT,
                debited_to_ms BIGINT NOT NULL DEFAULT 0,
                is_settled BIGINT NOT NULL DEFAULT 0 CHECK (is_settled IN (0, 1)),
                CHECK (is_settled = 0 OR ended_at_ms IS NOT NULL)
            )
            """,
            "CREATE INDEX meters_unsettled ON meters (team_id, compute_id) WHERE is_settled = 0",
            """
            CREATE TABLE meter_prices (
                compute_id BIGINT NOT NULL REFERENCES meters (compute_id),
                since_ms BIGINT NOT NULL,
                hour_milli_rwf BIGINT NOT NULL CHECK (hour_milli_rwf >= 0),
                ip_month_milli_rwf BIGINT NOT NULL CHECK (ip_month_milli_rwf >= 0),
                PRIMARY KEY (compute_id, since_ms)
            )
            """,
            // Computes from before there were prices: free so far.
            """
            INSERT INTO meters (compute_id, team_id, began_at_ms)
            SELECT id, team_id, CASE WHEN state = 'CREATING' THEN NULL ELSE created_at_ms END FROM computes
            WHERE state IN ('CREATING', 'RUNNING', 'STOPPED', 'STARTING', 'REBOOTING')
            """,
            """
            INSERT INTO meter_prices (compute_id, since_ms, hour_milli_rwf, ip_month_milli_rwf)
            SELECT m.compute_id, c.created_at_ms, 0, 0
            FROM meters m JOIN computes c ON c.id = m.compute_id
            """,
        ]
    }

    private static var wallets: [String] {
        [
            """
            CREATE TABLE ledger (
                team_id BIGINT NOT NULL REFERENCES teams (id),
                number BIGINT NOT NULL CHECK (number >= 1),
                at_ms BIGINT NOT NULL,
                kind TEXT NOT NULL
                    CHECK (kind IN ('CREDIT', 'COMPUTE_HOURS', 'PUBLIC_IP_MONTH', 'CORRECTION')),
                compute_id BIGINT REFERENCES computes (id),
                reference TEXT NOT NULL CHECK (LENGTH(reference) BETWEEN 1 AND 64),
                previous_number BIGINT,
                previous_balance_milli_rwf BIGINT,
                amount_milli_rwf BIGINT NOT NULL CHECK (amount_milli_rwf <> 0),
                balance_milli_rwf BIGINT NOT NULL,
                PRIMARY KEY (team_id, number),
                UNIQUE (team_id, number, balance_milli_rwf),
                UNIQUE (compute_id, kind, reference),
                FOREIGN KEY (team_id, previous_number, previous_balance_milli_rwf)
                    REFERENCES ledger (team_id, number, balance_milli_rwf),
                CHECK ((number = 1) = (previous_number IS NULL)),
                CHECK ((number = 1) = (previous_balance_milli_rwf IS NULL)),
                CHECK (number = COALESCE(previous_number, 0) + 1),
                CHECK (balance_milli_rwf = COALESCE(previous_balance_milli_rwf, 0) + amount_milli_rwf),
                CHECK ((kind IN ('COMPUTE_HOURS', 'PUBLIC_IP_MONTH')) = (compute_id IS NOT NULL)),
                CHECK (kind <> 'CREDIT' OR amount_milli_rwf > 0)
            )
            """,
            // UNIQUE above does not see two NULLs as the same.
            """
            CREATE UNIQUE INDEX ledger_by_reference ON ledger (team_id, kind, reference)
            WHERE compute_id IS NULL
            """,
            """
            CREATE TABLE wallets (
                team_id BIGINT NOT NULL PRIMARY KEY REFERENCES teams (id),
                last_number BIGINT,
                balance_milli_rwf BIGINT NOT NULL,
                standing TEXT NOT NULL
                    CHECK (standing IN ('ACTIVE', 'PAST_DUE', 'SUSPENDED', 'TERMINATED')),
                standing_since_ms BIGINT NOT NULL,
                is_suspended_by_operator BIGINT NOT NULL DEFAULT 0
                    CHECK (is_suspended_by_operator IN (0, 1)),
                FOREIGN KEY (team_id, last_number, balance_milli_rwf)
                    REFERENCES ledger (team_id, number, balance_milli_rwf),
                CHECK (last_number IS NOT NULL OR balance_milli_rwf = 0)
            )
            """,
            """
            INSERT INTO wallets (team_id, balance_milli_rwf, standing, standing_since_ms)
            SELECT id, 0, 'ACTIVE', created_at_ms FROM teams
            """,
        ]
    }
}
