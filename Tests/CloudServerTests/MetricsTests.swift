import CloudCore
import CloudMachines
import CloudMetrics
import CloudServer
import CloudTesting
import ServiceLifecycle
import Testing

@Suite("Metrics")
struct MetricsTests {
    @Test("are written as the exposition format wants them, whatever is in a label")
    func format() throws {
        let counter = Counter("a_total", help: "Back\\slash,\nline", labels: ["x", "y"])
        counter.add(1, "quote\" back\\slash", "line\nbreak")
        counter.add(2.5, "", "{}=,")
        let histogram = Histogram("h_seconds", help: "h", labels: ["step"], bounds: [0.01, 1])
        for milliseconds in [5, 10, 11, 1000, 2000] { histogram.observe(.milliseconds(milliseconds), "disk") }
        let text = PrometheusText.render([
            counter.family, histogram.family, .gauge("g", help: "g", 7),
            Counter("none_total", help: "0 from the start").family,
        ])
        let parsed = try PrometheusParser(parsing: text)
        #expect(
            parsed.types == [
                "a_total": "counter", "h_seconds": "histogram", "g": "gauge", "none_total": "counter",
            ])
        #expect(parsed.value("a_total", ["x": "quote\" back\\slash", "y": "line\nbreak"]) == 1)
        #expect(parsed.value("a_total", ["x": "", "y": "{}=,"]) == 2.5)
        #expect(parsed.value("g") == 7)
        #expect(parsed.value("none_total") == 0)
        #expect(parsed.value("h_seconds_bucket", ["step": "disk", "le": "0.01"]) == 2)
        #expect(parsed.value("h_seconds_bucket", ["step": "disk", "le": "1"]) == 4)
        #expect(parsed.value("h_seconds_bucket", ["step": "disk", "le": "+Inf"]) == 5)
        #expect(parsed.value("h_seconds_count", ["step": "disk"]) == 5)
        #expect(parsed.value("h_seconds_sum", ["step": "disk"]).map { abs($0 - 3.026) < 1e-9 } == true)
    }

    static let broken = [
        "a 1", "# HELP a a\n# TYPE a counter\na 1\na 2\n", "# HELP a a\na 1\n",
        "# HELP a a\n# TYPE a counter\n# HELP a a\n", "# HELP a a\n# TYPE a counter\na{x=\"\"\"} 1\n",
        "# HELP a a\n# TYPE a counter\na{x=\"\\t\"} 1\n", "# HELP a a\n# TYPE a counter\nb 1\n",
        "# HELP a a\n# TYPE a counter\na one\n",
        "# HELP a a\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
        "# HELP a a\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
    ]

    @Test("the tests' parser refuses what is against the grammar", arguments: broken)
    func strict(_ text: String) {
        #expect(throws: PrometheusParser.Fault.self) { try PrometheusParser(parsing: text) }
    }

    @Test("requests are counted by route pattern, known method and status, never by what a client wrote")
    func requests() async throws {
        try await ListeningCloud.with { cloud in
            let key = "Authorization: Bearer \(cloud.key)"
            _ = try await cloud.curl([])
            for id in 1...3 { _ = try await cloud.curl(["--header", key], "/api/v1/computes/\(id)") }
            _ = try await cloud.curl([], "/api/v1/computes/4")
            _ = try await cloud.curl(["--request", "PROPFIND"], "/secret/path")
            let text = cloud.metrics.text
            let parsed = try PrometheusParser(parsing: text)
            let name = "strettch_http_requests_total"
            #expect(parsed.value(name, ["method": "GET", "route": "/api/v1/health", "status": "200"]) == 1)
            #expect(
                parsed.value(name, ["method": "GET", "route": "/api/v1/computes/{id}", "status": "404"]) == 3)
            #expect(
                parsed.value(name, ["method": "GET", "route": "/api/v1/computes/{id}", "status": "401"]) == 1)
            #expect(
                parsed.value(name, ["method": "OTHER", "route": "none", "status": "404"]) == 1, "\(text)")
            #expect(parsed.value("strettch_http_requests_in_flight") == 0)
            #expect(parsed.value("strettch_http_rate_limited_total") == 0)
            #expect(!text.contains("secret") && !text.contains("PROPFIND") && !text.contains(cloud.key))
        }
    }

    @Test("are served on an address of their own, and nothing else is")
    func listener() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/m"
            let (running, isRunning) = AsyncStream<String>.makeStream()
            let listener = MetricsListener(
                listen: .unix(path: path), logger: ListeningCloud.quiet,
                scrape: { [.gauge("up", help: "1 when it is.", 1)] }, onRunning: { isRunning.yield($0) })
            let services = ServiceGroup(
                configuration: .init(services: [listener], logger: ListeningCloud.quiet))
            let server = Task { try await services.run() }
            #expect(await running.first { _ in true } == "unix:\(path)")
            let curl = ["--silent", "--show-error", "--include", "--unix-socket", path]
            let said = try await Command("curl", curl + ["http://local/metrics"]).run().standardOutput
            #expect(said.contains("text/plain; version=0.0.4"))
            #expect(said.hasSuffix("# HELP up 1 when it is.\n# TYPE up gauge\nup 1\n"))
            let other = try await Command("curl", curl + ["http://local/"]).run().standardOutput
            #expect(other.hasPrefix("HTTP/1.1 404 "))
            await services.triggerGracefulShutdown()
            try await server.value
        }
    }
}
