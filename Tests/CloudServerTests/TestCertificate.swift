import CloudMachines
import CloudServer
import Testing

/// A self-signed certificate for 127.0.0.1, made by openssl.
struct TestCertificate {
    let folder: String

    var files: TLSFiles { TLSFiles(certificate: "\(folder)/cert.pem", key: "\(folder)/key.pem") }

    /// Makes a new pair in the folder, in place of the one that may be there, and under a name that tells it apart.
    /// - Parameters:
    ///   - days: until it expires; negative: it has expired.
    ///   - key: its kind, as `openssl req -newkey` has it.
    func make(
        name: String, days: Int = 30, prefix: String = "",
        key: [String] = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    ) async throws {
        var options = ["-newkey"] + key + ["-nodes"]
        options += ["-keyout", "\(folder)/\(prefix)key.pem", "-out", "\(folder)/\(prefix)cert.pem"]
        options += ["-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "\(days)"]
        try await Command("openssl", ["req", "-x509"] + options).run()
    }

    /// Puts the pair with the prefix where the server looks for it.
    func install(prefix: String) async throws {
        for file in ["key.pem", "cert.pem"] {
            try await Command("mv", ["\(folder)/\(prefix)\(file)", "\(folder)/\(file)"]).run()
        }
    }
}
