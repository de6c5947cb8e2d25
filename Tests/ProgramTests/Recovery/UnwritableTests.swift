import CloudClient
import CloudCore
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

@testable import strettch

@Suite("A data folder that can't be written", .serialized)
struct UnwritableTests {
    @Test(
        "a disk that refuses writes makes creates 503 and leaves reads; after that all goes on by itself",
        .enabled("not every file system can refuse writes", { await UnwritableTests.canFreeze() }))
    func refusesWrites() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            let first = try await cloud.create("before")
            _ = try await cloud.wait(first, until: "RUNNING")
            let files = ["\(cloud.data)/strettch.sqlite", "\(cloud.data)/strettch.sqlite-wal"]
            // As a file system that the kernel has made read-only after an error: who has the files open can't write.
            try await Command("chattr", ["+i"] + files).run()
            do {
                let refusal = await #expect(throws: ClientError.self) {
                    try await cloud.impatientClient {
                        try await $0.createCompute(try cloud.page("during"), idempotencyKey: UUID())
                    }
                }
                #expect(refusal?.status == 503)
                #expect(refusal?.message.contains("disk of the data folder") == true)
                let delete = await #expect(throws: ClientError.self) {
                    try await cloud.impatientClient { try await $0.deleteCompute(id: first) }
                }
                #expect(delete?.status == 503)
                #expect(try await cloud.client { try await $0.allComputes() }.map(\.state) == ["RUNNING"])
            } catch {
                try await Command("chattr", ["-i"] + files).run()
                throw error
            }
            try await Command("chattr", ["-i"] + files).run()
            let second = try await cloud.create("after")
            _ = try await cloud.wait(second, until: "RUNNING")
            #expect(try await cloud.client { try await $0.allComputes() }.count == 2)
        }
    }

    /// Whether files can be made unwritable for everybody here.
    private static func canFreeze() async -> Bool {
        do {
            try await withTemporaryFolder { folder in
                try "".write(toFile: "\(folder)/file", atomically: false, encoding: .utf8)
                for change in ["+i", "-i"] { try await Command("chattr", [change, "\(folder)/file"]).run() }
            }
            return true
        } catch {
            return false
        }
    }

    @Test(
        "a server is not started on a file system that is read-only, and says why",
        .enabled("mounting needs root, and a machine that lets it", { await SmallDisk.isPossible() }))
    func readOnlyFileSystem() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            try await cloud.end(SIGTERM)
            let mount = { (options: String) in
                try await Command("mount", ["--bind", cloud.data, cloud.data]).run()
                try await Command("mount", ["-o", options, cloud.data]).run()
            }
            try await mount("remount,bind,ro")
            let error = await #expect(throws: CloudError.self) {
                try await Command(
                    "env",
                    cloud.environment + [
                        cloud.program, "serve", "--simulated", "--listen", "unix:\(cloud.folder)/s", "--data",
                        cloud.data,
                    ]
                ).run()
            }
            try await Command("umount", [cloud.data]).run()
            #expect(error?.detail?.contains("\(cloud.data)/serve.lock can't be opened") == true)
            #expect(error?.detail?.contains("--data") == true)
            try await cloud.start()
        }
    }

    @Test("pretended machines are not served as real ones, nor the reverse; an empty folder serves both")
    func otherMachines() throws {
        let path = "/tmp/strettch-test-\(UUID().uuidString.prefix(8))"
        let folder = try DataFolder(path: path)
        defer { try? FileManager.default.removeItem(atPath: path) }  // a leftover in /tmp breaks nothing
        for areSimulated in [false, true] { try folder.checkMachines(areSimulated: areSimulated) }
        for (name, areSimulated) in [("simulated", false), ("machines", true)] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(name)/1", withIntermediateDirectories: true)
            let error = #expect(throws: CloudError.self) {
                try folder.checkMachines(areSimulated: areSimulated)
            }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("\(path)/\(name)") == true)
            #expect(error?.message.contains("--data") == true)
            try folder.checkMachines(areSimulated: !areSimulated)
            try FileManager.default.removeItem(atPath: "\(path)/\(name)/1")
            try folder.checkMachines(areSimulated: areSimulated)
        }
    }
}
