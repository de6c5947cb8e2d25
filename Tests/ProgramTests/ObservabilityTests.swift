import CloudControl
import CloudCore
import CloudMachines
import CloudMetrics
import CloudTesting
import CloudWorker
import Foundation
import Logging
import Synchronization
import Testing

@testable import strettch

@Suite("What the program tells its operator")
struct ObservabilityTests {
    @Test("a line of the JSON log is one object, whatever is in it")
    func json() throws {
        let written = Mutex("")
        let handler = JSONLogHandler(clock: ManualClock()) { line in written.withLock { $0 += line } }
        var logger = Logger(label: "test") { _ in handler }
        logger[metadataKey: "requestId"] = "r-1"
        logger.warning("two\nlines \"quoted\"", metadata: ["team": "7", "path": "/a\u{1}\n{}"])
        logger.debug("not at this level")
        let lines = written.withLock { $0 }.split(separator: "\n")
        #expect(lines.count == 1)
        let object = try JSONDecoder().decode(
            [String: String].self, from: Data(try #require(lines.first).utf8))
        #expect(object["message"] == "two\nlines \"quoted\"")
        #expect(object["level"] == "warning")
        #expect(object["requestId"] == "r-1")
        #expect(object["team"] == "7")
        #expect(object["path"] == "/a\u{1}\n{}")
        #expect(object["time"]?.hasSuffix("Z") == true)
    }

    @Test("a line of the text log has what was set before it, and what the line itself says goes first")
    func late() {
        let written = TextStream()
        var logger = Logger(label: "test") { LateLogHandler(StreamLogHandler(label: $0, stream: written)) }
        logger[metadataKey: "requestId"] = "r-1"
        logger[metadataKey: "team"] = "7"
        logger.warning("slow", metadata: ["team": "8"])
        logger.debug("not at this level")
        let lines = written.text.split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines.first?.contains("warning test: requestId=r-1 team=8 ") == true, "\(lines)")
    }

    @Test("the figures of a process are read from what the kernel writes, whatever its name is")
    func process() {
        var units = ProcessMetrics.Units()
        units.ticksPerSecond = 100
        units.pageBytes = 4096
        let stat =
            "1 (a) b (c) S 0 1 1 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 5 0 1000 8192000 250 1844674407370955"
        let families = ProcessMetrics.families(
            stat: stat, boot: "cpu 1 2\nbtime 1700000000\n", openFiles: 12, units)
        let values = Dictionary(uniqueKeysWithValues: families.map { ($0.name, $0.samples.first?.value) })
        #expect(values["process_cpu_seconds_total"] == 2)
        #expect(values["process_start_time_seconds"] == 1_700_000_010)
        #expect(values["process_resident_memory_bytes"] == 1_024_000)
        #expect(values["process_virtual_memory_bytes"] == 8_192_000)
        #expect(values["process_open_fds"] == 12)
        #expect(ProcessMetrics.families(stat: "", boot: "", openFiles: nil, units).isEmpty)
    }

    @Test("a cell tells of requests, steps, jobs, computes and itself, in one text that the format allows")
    func cell() async throws {
        try await TestCloud.with { cloud in
            let metrics = CellMetrics()
            let worker = Worker(
                database: cloud.database, host: cloud.host, claim: cloud.claim, catalogue: .test,
                clock: cloud.clock,
                wake: Wake(),
                bootSlots: 2, stopGrace: .seconds(60), owner: "worker", metrics: metrics.worker,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            _ = try await cloud.create()
            try await worker.runDueJobs()
            _ = try await cloud.create(TestCloud.body(hostName: "\"other\""))
            cloud.clock.advance(milliseconds: 1500)
            let families = try await metrics.families(
                CellMetrics.Sources(
                    database: cloud.cloud.database, waitingWrites: { 3 },
                    certificateExpiresAtMs: { 1_700_000_000_000 }, nowMs: cloud.clock.nowMs))
            let parsed = try PrometheusParser(parsing: PrometheusText.render(families))
            #expect(parsed.value("strettch_build_info", ["version": Version.current]) == 1)
            #expect(parsed.value("strettch_computes", ["state": "RUNNING"]) == 1)
            #expect(parsed.value("strettch_computes", ["state": "CREATING"]) == 1)
            #expect(parsed.value("strettch_computes", ["state": "DESTROYING"]) == 0)
            #expect(parsed.value("strettch_jobs_due") == 1)
            #expect(parsed.value("strettch_jobs_leased") == 0)
            #expect(parsed.value("strettch_jobs_oldest_due_age_seconds") == 1.5)
            #expect(parsed.value("strettch_database_writes_waiting") == 3)
            #expect(parsed.value("strettch_boots_total") == 1)
            let boot = ["step": "boot", "outcome": "advance"]
            #expect(parsed.value("strettch_step_duration_seconds_count", boot) == 1)
            #expect(parsed.value("strettch_compute_creation_seconds_count") == 1)
            #expect(parsed.value("strettch_tls_certificate_expiry_timestamp_seconds") == 1_700_000_000)
            #expect((parsed.value("process_resident_memory_bytes") ?? 0) > 1_000_000)
        }
    }
}

/// Keeps what is written.
private final class TextStream: TextOutputStream, Sendable {
    private let written = Mutex("")

    var text: String { written.withLock { $0 } }

    func write(_ string: String) { written.withLock { $0 += string } }
}
