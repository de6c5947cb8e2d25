import CloudClient
import CloudServer
import CloudTesting
import Foundation
import Testing

@testable import strettch

@Suite("The first owner's key")
struct FirstKeyTests {
    @Test("of no server that was there before is lost, however many first starts there are")
    func everyPrevious() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/credentials.json"
            let first = FirstKey(
                listen: .tcp(host: "0.0.0.0", port: 8080), isSecure: false,
                environment: ["STRETTCH_CREDENTIALS": path])
            var kept: [String?] = []
            for key in ["one", "two", "three", "four"] { kept.append(try first.save(key)) }
            #expect(kept == [nil, "\(path).previous", "\(path).previous-2", "\(path).previous-3"])
            let keys = try kept.compactMap(\.self).map { try CredentialsFile(path: $0).read()?.key }
            #expect(keys == ["one", "two", "three"])
            #expect(try CredentialsFile(path: path).read()?.key == "four")
        }
    }

    @Test("is saved for the client; what the file held before is kept beside it, however often it is saved")
    func previous() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/credentials.json"
            let earlier = Credentials(url: "https://cloud.example", key: "earlier")
            try CredentialsFile(path: path).write(earlier)
            let first = FirstKey(
                listen: .tcp(host: "0.0.0.0", port: 8080), isSecure: false,
                environment: ["STRETTCH_CREDENTIALS": path])
            try first.save("owner")
            try first.save("owner")
            let saved = Credentials(url: "http://127.0.0.1:8080", key: "owner")
            #expect(try CredentialsFile(path: path).read() == saved)
            #expect(try CredentialsFile(path: "\(path).previous").read() == earlier)
        }
    }
}
