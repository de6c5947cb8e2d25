import CloudCore
import Testing

@testable import CloudMachines

@Suite("Network settings")
struct NetworkSettingsTests {
    private func fields(_ make: () throws -> NetworkSettings) -> [String] {
        do {
            _ = try make()
            return []
        } catch let error as CloudError {
            return error.problems.map(\.field)
        } catch {
            return ["\(error)"]
        }
    }

    @Test("the defaults are valid")
    func defaults() throws {
        let settings = try NetworkSettings()
        #expect("\(settings.privateRange)" == "10.0.0.0/8")
        #expect(settings.publicPool.map(\.description) == ["203.0.113.0/24"])
    }

    @Test("text that is no network is refused by name, all of it at once")
    func malformed() {
        #expect(
            fields { try NetworkSettings(privateRange: "10.0.0.1/8", publicPool: ["203.0.113.0/24", "x"]) }
                == ["privateRange", "publicPool[1]"])
    }

    @Test(
        "a range that no guest may use is refused",
        arguments: ["0.0.0.0/8", "127.0.0.0/16", "169.254.0.0/16", "224.0.0.0/4", "0.0.0.0/0"])
    func reserved(range: String) {
        #expect(fields { try NetworkSettings(privateRange: range, publicPool: []) }.contains("privateRange"))
    }

    @Test("a pool may not overlap the private range or itself")
    func overlap() {
        #expect(fields { try NetworkSettings(publicPool: ["10.3.0.0/24"]) } == ["publicPool[0]"])
        #expect(
            fields { try NetworkSettings(publicPool: ["203.0.113.0/24", "203.0.113.128/25"]) } == [
                "publicPool[1]"
            ])
        #expect(fields { try NetworkSettings(publicPool: ["203.0.113.0/25", "203.0.113.128/25"]) } == [])
    }

    @Test("a team's network must fit into the range and hold some guests", arguments: [7, 30, 33, -1])
    func teamPrefix(prefix: Int) {
        #expect(fields { try NetworkSettings(teamPrefix: prefix) } == ["teamPrefix"])
        #expect(fields { try NetworkSettings(teamPrefix: 29) } == [])
    }

    @Test(
        "the metadata service listens on a link-local address, but not on the one that guests call",
        arguments: [
            "169.254.169.254:8775", "10.0.0.1:8775", "0.0.0.0:80", "169.254.1.1", "169.254.1.1:0", "x",
        ])
    func metadata(listen: String) {
        #expect(fields { try NetworkSettings(metadata: listen) } == ["metadataListen"])
        #expect(fields { try NetworkSettings(metadata: "169.254.1.1:1") } == [])
    }

    @Test("names that could reach the kernel or a command line malformed are refused")
    func names() {
        for prefix in ["", "ABC", "9a", "toolong", "a b", "a\""] {
            #expect(fields { try NetworkSettings(namePrefix: prefix) } == ["namePrefix"], "\(prefix)")
        }
        for owner in ["", "a b", "root\n", "-x"] {
            #expect(fields { try NetworkSettings(tapOwner: owner) } == ["tapOwner"], "\(owner)")
        }
    }
}

@Suite("Network names")
struct NetworkNamesTests {
    private let names = NetworkNames(prefix: "st")

    @Test("fit into an interface's name, or are refused")
    func length() throws {
        #expect(try names.bridge(teamId: 9_999_999_999) == "st-br9999999999")
        #expect(try names.tap(computeId: 99_999_999_999) == "st-t99999999999")
        #expect(throws: CloudError.self) { try names.bridge(teamId: 10_000_000_000) }
        #expect(throws: CloudError.self) { try names.tap(computeId: 100_000_000_000) }
        #expect(throws: CloudError.self) { try names.tap(computeId: -1) }
    }

    @Test("ours are told from other people's")
    func recognition() {
        #expect(names.isTap("st-t5") && names.isBridge("st-br5"))
        for other in ["st-t", "st-tx", "st-t05", "st-br", "st-brx", "eth0", "s-t5", "st-t5a", "stx-t5"] {
            #expect(!names.isTap(other) && !names.isBridge(other), "\(other)")
        }
    }
}
