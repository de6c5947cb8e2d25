import CloudClient
import CloudWire
import Foundation
import NIOCore

/// Requests to the API as bytes, made once as far as they can be.
enum APIRequest {
    /// Creates of the same compute, each with an idempotency key of its own.
    static func creates(_ credentials: Credentials) throws -> @Sendable (Int) -> ByteBuffer {
        let body = try JSONEncoder().encode(BenchRequest.make("create"))
        let head = head("POST", "/api/v1/computes", credentials)
        let rest = "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
        // The run's own, so that a second one on the same server makes computes too.
        let run = UUID().uuidString.prefix(8)
        return { number in
            var buffer = ByteBuffer()
            buffer.writeString(head)
            let digits = "\(number)"
            let zeros = String(repeating: "0", count: max(0, 12 - digits.count))
            buffer.writeString("Idempotency-Key: \(run)-0000-4000-8000-\(zeros)\(digits)\r\n")
            buffer.writeString(rest)
            buffer.writeBytes(body)
            return buffer
        }
    }

    /// GETs of paths below the base path, in turns.
    static func gets(_ paths: [String], _ credentials: Credentials) -> @Sendable (Int) -> ByteBuffer {
        let requests = paths.map { ByteBuffer(string: head("GET", "/api/v1\($0)", credentials) + "\r\n") }
        return { requests[$0 % requests.count] }
    }

    /// Without the empty line at its end.
    private static func head(_ method: String, _ path: String, _ credentials: Credentials) -> String {
        "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(credentials.key)\r\n"
    }
}

/// What is asked for in every measurement.
enum BenchRequest {
    /// A key whose parts have the lengths of a real one; nobody logs in.
    private static let publicKey =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3G5Cb0Nq1mU1m0q3x8J0oJtYk6h1rYb2m8z0m1Qx5k bench"

    static func make(_ hostName: String, image: String = "TINY-1") -> CreateComputeWire {
        CreateComputeWire(
            hostName: hostName, image: image, region: "KGL-1", specification: "S-1C",
            publicKeys: [publicKey],
            tags: ["bench"])
    }
}
