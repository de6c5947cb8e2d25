import CloudCore

@testable import CloudDatabase

extension SQLConnection {
    /// The database's one host, made if it is missing.
    func makeHost(_ name: String = "host-1") throws -> Int64 {
        try hosts.get(name: name)?.id ?? hosts.insert(HostFacts(identity: name, name: name))
    }
}
