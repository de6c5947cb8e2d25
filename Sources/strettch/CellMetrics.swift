import CloudCore
import CloudDatabase
import CloudLink
import CloudMetrics
import CloudServer
import CloudWorker

/// All that `/metrics` tells of one cell.
struct CellMetrics: Sendable {
    let requests = RequestMetrics()
    let worker = WorkerMetrics()
    let link = LinkMetrics()

    /// What is read anew for each scrape.
    struct Sources: Sendable {
        var database: any Database
        /// Writes that wait for their turn.
        var waitingWrites: @Sendable () -> Int
        /// Milliseconds since 1970 at which the certificate ends; `nil` without TLS.
        var certificateExpiresAtMs: @Sendable () -> Int64?
        var nowMs: Int64
    }

    /// Throws what the database throws.
    func families(_ sources: Sources) async throws -> [MetricFamily] {
        let (jobs, computes, hosts) = try await sources.database.read { [now = sources.nowMs] sql in
            (
                try sql.metrics.jobs(nowMs: now), try sql.metrics.computes(),
                try sql.metrics.hosts(nowMs: now)
            )
        }
        return [buildInfo] + requests.families + worker.families + link.families
            + Self.families(jobs, nowMs: sources.nowMs) + [Self.family(computes)]
            + Self.families(hosts)
            + [
                .gauge(
                    "strettch_database_writes_waiting", help: "Writes that wait for their turn.",
                    sources.waitingWrites())
            ]
            + Self.families(certificateExpiresAtMs: sources.certificateExpiresAtMs())
            + ProcessMetrics.families()
    }

    private var buildInfo: MetricFamily {
        MetricFamily(
            "strettch_build_info", .gauge, help: "1, with the version as a label.",
            samples: [.init(labels: [.init("version", Version.current)], value: 1)])
    }

    private static func families(_ jobs: MetricQueries.Jobs, nowMs: Int64) -> [MetricFamily] {
        let ageMs = jobs.oldestDueMs.map { max(0, nowMs - $0) } ?? 0
        return [
            .gauge("strettch_jobs_due", help: "Jobs that are due and that nobody works on.", jobs.due),
            .gauge("strettch_jobs_leased", help: "Jobs that are worked on.", jobs.leased),
            MetricFamily(
                "strettch_jobs_oldest_due_age_seconds", .gauge,
                help: "How long the job that is due longest has waited; 0 when none is.",
                samples: [.init(value: Double(ageMs) / 1000)]),
        ]
    }

    private static func family(_ computes: [ComputeState: Int]) -> MetricFamily {
        let states = ComputeState.allCases.filter { $0 != .destroyed }
        return MetricFamily(
            "strettch_computes", .gauge, help: "Computes by state, without those DESTROYED.",
            samples: states.map {
                .init(labels: [.init("state", $0.rawValue)], value: Double(computes[$0] ?? 0))
            })
    }

    private static func families(_ hosts: [HostState: (count: Int, down: Int)]) -> [MetricFamily] {
        let states = HostState.allCases.filter { $0 != .removed }
        return [
            MetricFamily(
                "strettch_hosts", .gauge, help: "Hosts by what they may be used for.",
                samples: states.map {
                    .init(labels: [.init("state", $0.rawValue)], value: Double(hosts[$0]?.count ?? 0))
                }),
            .gauge(
                "strettch_hosts_down", help: "Hosts of which nobody has heard for 30 seconds.",
                hosts.values.reduce(0) { $0 + $1.down }),
        ]
    }

    private static func families(certificateExpiresAtMs: Int64?) -> [MetricFamily] {
        guard let certificateExpiresAtMs else { return [] }
        return [
            .gauge(
                "strettch_tls_certificate_expiry_timestamp_seconds",
                help: "Unix time at which the TLS certificate in use ends.", certificateExpiresAtMs / 1000)
        ]
    }
}
