extension Migrations {
    /// Images of teams' own: a whole by themselves, each with its host, its job and its meter. Computes and snapshots say which
    /// one their disks lie over; of the others the slug of the catalogue's image says it, as before.
    @Sendable
    static func schema21(_: Dialect) -> [String] {
        [
            """
            CREATE TABLE images (
                id BIGINT NOT NULL PRIMARY KEY REFERENCES resources (id),
                team_id BIGINT NOT NULL REFERENCES teams (id),
                host_id BIGINT NOT NULL REFERENCES hosts (id),
                slug TEXT NOT NULL,
                name TEXT NOT NULL,
                state TEXT NOT NULL
                    CHECK (state IN ('UPLOADING', 'PREPARING', 'READY', 'FAILED', 'DELETING', 'DELETED')),
                origin TEXT NOT NULL CHECK (origin IN ('snapshot', 'compute', 'upload', 'url')),
                source_id BIGINT REFERENCES resources (id),
                url TEXT,
                format TEXT,
                sha256 TEXT,
                size BIGINT CHECK (size > 0),
                received BIGINT NOT NULL DEFAULT 0 CHECK (received >= 0),
                bytes BIGINT CHECK (bytes >= 0),
                virtual_bytes BIGINT CHECK (virtual_bytes > 0),
                content TEXT,
                deletion_protection BIGINT NOT NULL DEFAULT 0 CHECK (deletion_protection IN (0, 1)),
                failure_code TEXT,
                failure_message TEXT,
                created_at_ms BIGINT NOT NULL,
                updated_at_ms BIGINT NOT NULL,
                CHECK (state <> 'READY' OR (bytes IS NOT NULL AND virtual_bytes IS NOT NULL AND content IS NOT NULL)),
                CHECK ((origin IN ('snapshot', 'compute')) = (source_id IS NOT NULL)),
                CHECK ((origin IN ('upload', 'url')) = (format IS NOT NULL)),
                CHECK ((origin = 'url') = (url IS NOT NULL)),
                CHECK ((origin = 'upload') = (size IS NOT NULL)),
                CHECK (size IS NULL OR received <= size)
            )
            """,
            "CREATE UNIQUE INDEX images_by_slug ON images (team_id, slug) WHERE state <> 'DELETED'",
            "CREATE INDEX images_by_team ON images (team_id, id) WHERE state <> 'DELETED'",
            "CREATE INDEX images_by_host ON images (host_id, id) WHERE state <> 'DELETED'",
            "CREATE INDEX images_being_made ON images (source_id) WHERE state = 'PREPARING'",
            // To the resource, since images may be made of computes and snapshots, and no two tables may refer to each other.
            "ALTER TABLE computes ADD COLUMN image_id BIGINT REFERENCES resources (id)",
            "ALTER TABLE snapshots ADD COLUMN image_id BIGINT REFERENCES resources (id)",
            "CREATE INDEX computes_by_image ON computes (image_id) WHERE image_id IS NOT NULL",
            "CREATE INDEX snapshots_by_image ON snapshots (image_id) WHERE image_id IS NOT NULL",
        ]
    }
}
