import CloudCore

extension SQLConnection {
    public var computes: ComputeQueries { ComputeQueries(sql: self) }
}

/// Computes, and what they hold of the cell's addresses.
public struct ComputeQueries {
    let sql: any SQLConnection

    static var select: String { "SELECT \(columns)\nFROM \(tables)" }

    /// All that `compute` reads, for queries that want more of `tables`.
    static let columns =
        "c.*, t.network_base, t.network_prefix, \(JobQueries.columns)"
    static let tables =
        "computes c JOIN teams t ON t.id = c.team_id JOIN jobs j ON j.resource_id = c.id"

    /// Inserts a compute in CREATING with intent RUNNING, whose id is a new resource's.
    public func insert(_ id: Int64, _ new: NewCompute, nowMs: Int64) throws {
        try sql.later(
            """
            INSERT INTO computes (
                id, team_id, host_name, state, intent, image, specification, region, vcpus, memory_mb, storage_gb,
                public_keys, tags, user_data, deletion_protection, private_ipv4, public_ipv4, ssh_port,
                created_at_ms, updated_at_ms, host_id, snapshot_id, image_id
            ) VALUES (
                $1, $2, $3, 'CREATING', 'RUNNING', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17,
                $18, $19, $20
            )
            """,
            [
                id, new.teamId, new.hostName, new.image, new.specification.specification, new.region,
                new.specification.vcpus, new.specification.memoryMb, new.specification.storageGb,
                try StringList.encode(new.publicKeys), try StringList.encode(new.tags), new.userData,
                new.deletionProtection, new.privateIpv4, new.publicIpv4, new.sshPort, nowMs, new.hostId,
                new.snapshotId, new.imageId,
            ])
        try insert(new.tags, of: id, teamId: new.teamId)
    }

    /// The compute with this id, whatever its state.
    public func get(_ id: Int64) throws -> Compute? {
        try sql.query("\(Self.select) WHERE c.id = $1", [id]).first.map(Self.compute)
    }

    /// The team's compute with this id, unless it is DESTROYED.
    public func get(_ id: Int64, teamId: Int64) throws -> Compute? {
        try sql.query(
            "\(Self.select) WHERE c.id = $1 AND c.team_id = $2 AND c.state <> 'DESTROYED'", [id, teamId]
        ).first.map(Self.compute)
    }

    /// The compute that holds this private address, which is one at most.
    public func get(privateIpv4: IPv4Address) throws -> Compute? {
        try sql.query("\(Self.select) WHERE c.private_ipv4 = $1", [privateIpv4]).first.map(Self.compute)
    }

    /// Every compute of the host whose step is one of `steps`, none of which is the last, by id.
    public func list(steps: [ComputeStep], hostId: Int64) throws -> [Compute] {
        try sql.query(
            """
            \(Self.select) WHERE j.host_id = $1 AND j.step <> 'done' AND j.step IN (\(steps.sqlList)) ORDER BY c.id
            """, [hostId]
        ).map(Self.compute)
    }

    /// What the host's network follows from: of every compute whose step is one of `steps`, none of which is the last, and
    /// that holds an address, by id. A host may have thousands, and each create asks for all.
    public func places(steps: [ComputeStep], hostId: Int64) throws -> [ComputePlace] {
        try sql.query(
            """
            SELECT c.id, c.team_id, c.private_ipv4, c.public_ipv4, c.ssh_port, t.network_base, t.network_prefix, j.step
            FROM \(Self.tables)
            WHERE j.host_id = $1 AND j.step <> 'done' AND j.step IN (\(steps.sqlList))
                AND c.private_ipv4 IS NOT NULL
            ORDER BY c.id
            """, [hostId]
        ).map { row in
            ComputePlace(
                computeId: try row.int("id"), teamId: try row.int("team_id"),
                network: try TeamQueries.network(row),
                privateIpv4: IPv4Address(UInt32(try row.int("private_ipv4"))),
                publicIpv4: try row.intOrNil("public_ipv4").map { IPv4Address(UInt32($0)) },
                sshPort: try row.intOrNil("ssh_port").map { Int($0) }, step: try row.value("step"))
        }
    }

    /// The ids of the host's computes that rest, and are meant to run.
    public func meantToRun(hostId: Int64) throws -> [Int64: FailureCode?] {
        let rows = try sql.query(
            """
            SELECT c.id, c.failure_code FROM jobs j JOIN computes c ON c.id = j.resource_id
            WHERE j.host_id = $1 AND j.step <> 'done' AND j.step = 'idle' AND c.intent = 'RUNNING'
            """, [hostId])
        return try rows.reduce(into: [:]) { computes, row in
            computes.updateValue(try row.valueOrNil("failure_code"), forKey: try row.int("id"))
        }
    }

    /// The host's computes that rest and of which nothing is wanted, with the failures that they show, and since when.
    public func atRest(hostId: Int64) throws -> [(id: Int64, failure: FailureCode?, sinceMs: Int64)] {
        try sql.query(
            """
            SELECT c.id, c.failure_code, j.step_since_ms FROM jobs j JOIN computes c ON c.id = j.resource_id
            WHERE j.host_id = $1 AND j.step <> 'done' AND j.step = 'idle' AND j.action = 'keep' ORDER BY c.id
            """, [hostId]
        ).map { (try $0.int("id"), try $0.valueOrNil("failure_code"), try $0.int("step_since_ms")) }
    }

    /// At most `limit` of the team's computes that run and are meant to.
    public func toStop(teamId: Int64, limit: Int) throws -> [Int64] {
        try sql.query(
            """
            SELECT id FROM computes
            WHERE team_id = $1 AND state IN ('RUNNING', 'STARTING', 'REBOOTING') AND intent = 'RUNNING'
            ORDER BY id LIMIT $2
            """,
            [teamId, limit]
        ).map { try $0.int("id") }
    }

    /// At most `limit` of the team's computes that nobody wants gone yet.
    public func toDelete(teamId: Int64, limit: Int) throws -> [Int64] {
        try sql.query(
            "SELECT id FROM computes WHERE team_id = $1 AND intent <> 'DESTROYED' ORDER BY id LIMIT $2",
            [teamId, limit]
        ).map { try $0.int("id") }
    }

    /// Sets state and intent, and the state in the compute's tags. Meter and totals are the caller's affair.
    public func set(_ id: Int64, state: ComputeState, intent: ComputeIntent, nowMs: Int64) throws {
        try sql.later(
            "UPDATE computes SET state = $2, intent = $3, updated_at_ms = $4 WHERE id = $1",
            [id, state.rawValue, intent.rawValue, nowMs])
        try state == .destroyed ? removeTags(of: id) : index(state, of: id)
    }

    /// Sets what its owner may change.
    public func set(
        _ id: Int64, hostName: String, tags: [String], deletionProtection: Bool, nowMs: Int64
    ) throws {
        try sql.later(
            """
            UPDATE computes SET host_name = $2, tags = $3, deletion_protection = $4, updated_at_ms = $5
            WHERE id = $1
            """,
            [id, hostName, try StringList.encode(tags), deletionProtection, nowMs])
        try index(tags, of: id)
    }

    /// Sets its size.
    public func set(_ id: Int64, specification: Specification, nowMs: Int64) throws {
        try sql.later(
            """
            UPDATE computes SET specification = $2, vcpus = $3, memory_mb = $4, storage_gb = $5, updated_at_ms = $6
            WHERE id = $1
            """,
            [
                id, specification.specification, specification.vcpus, specification.memoryMb,
                specification.storageGb, nowMs,
            ])
    }

    /// Gives it another port of the host, which must be free.
    public func set(_ id: Int64, sshPort: Int, nowMs: Int64) throws {
        try sql.later(
            "UPDATE computes SET ssh_port = $2, updated_at_ms = $3 WHERE id = $1", [id, sshPort, nowMs])
    }

    /// Says which snapshot its disk is to become a copy of.
    public func set(_ id: Int64, snapshotId: Int64) throws {
        try sql.later("UPDATE computes SET snapshot_id = $2 WHERE id = $1", [id, snapshotId])
    }

    /// Says which image its disk lies over.
    public func set(_ id: Int64, image: String, imageId: Int64?) throws {
        try sql.later("UPDATE computes SET image = $2, image_id = $3 WHERE id = $1", [id, image, imageId])
    }

    public func set(_ id: Int64, failure: ComputeFailure?) throws {
        try sql.later(
            "UPDATE computes SET failure_code = $2, failure_message = $3 WHERE id = $1",
            [id, failure?.code.rawValue, failure?.message])
    }

    /// Gives back every address and port of the compute. What it takes of its host is the caller's affair.
    public func releaseAddresses(_ id: Int64) throws {
        try sql.later(
            "UPDATE computes SET private_ipv4 = NULL, public_ipv4 = NULL, ssh_port = NULL WHERE id = $1", [id]
        )
    }

    static func compute(_ row: SQLRow) throws -> Compute {
        var compute = Compute(
            id: try row.int("id"), teamId: try row.int("team_id"),
            hostId: try row.intOrNil("host_id"), hostName: try row.text("host_name"),
            state: try row.value("state"), intent: try row.value("intent"), image: try row.text("image"),
            specification: try row.text("specification"), region: try row.text("region"),
            vcpus: Int(try row.int("vcpus")), memoryMb: Int(try row.int("memory_mb")),
            storageGb: Int(try row.int("storage_gb")),
            publicKeys: try StringList.decode(try row.text("public_keys")),
            tags: try StringList.decode(try row.text("tags")), userData: try row.textOrNil("user_data"),
            deletionProtection: try row.int("deletion_protection") != 0,
            network: try TeamQueries.network(row),
            createdAtMs: try row.int("created_at_ms"), updatedAtMs: try row.int("updated_at_ms"),
            job: try JobQueries.job(row))
        compute.privateIpv4 = try row.intOrNil("private_ipv4").map { IPv4Address(UInt32($0)) }
        compute.publicIpv4 = try row.intOrNil("public_ipv4").map { IPv4Address(UInt32($0)) }
        compute.sshPort = try row.intOrNil("ssh_port").map { Int($0) }
        compute.snapshotId = try row.intOrNil("snapshot_id")
        compute.imageId = try row.intOrNil("image_id")
        if let message = try row.textOrNil("failure_message") {
            compute.failure = ComputeFailure(try row.value("failure_code"), message)
        }
        return compute
    }
}

extension Collection where Element: RawRepresentable<String> {
    /// The names as a list in SQL: raw values of our own enums, which need no binding.
    var sqlList: String { map { "'\($0.rawValue)'" }.joined(separator: ", ") }
}
