import CloudCore

/// What is on this host of an installation's machines, for who works on its data folder without a server. By compute
/// id.
public struct MachineRemains: Sendable {
    /// Those with a process that is alive.
    public var processes: Set<Int64>
    public var disks: Set<Int64>
    /// Those with a folder, whatever is in it.
    public var folders: Set<Int64>

    /// Looks at every process of the host, and at the folders of machines, if there are any.
    public init(dataDirectory: String, installationId: String) throws {
        let all = MachineDirectory.all(dataDirectory)
        processes = Set(try ProcessTable(installation: installationId, data: dataDirectory).all().keys)
        folders =
            MachineFiles.exists(all) ? Set(try MachineFiles.names(in: all).compactMap { Int64($0) }) : []
        disks = folders.filter {
            MachineFiles.exists(MachineDirectory(data: dataDirectory, id: $0).disk)
        }
    }

    init(processes: Set<Int64>, disks: Set<Int64>, folders: Set<Int64>) {
        self.processes = processes
        self.disks = disks
        self.folders = folders
    }
}
