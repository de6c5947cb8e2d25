import CloudCore

extension QEMUHost {
    /// Makes the folder of the machine's id this compute's own, before anything is made in it. Where the disk lies
    /// elsewhere, this host's own folder comes first, and so tells of every disk that was made from here.
    ///
    /// Ids are given out once, so nobody else's folder should be there; but who puts an old database back by hand makes
    /// ids begin anew. A new compute must then neither boot another owner's disk nor destroy it: the folder is set
    /// aside, under a name that is of no machine. A folder without an owner is from before there were any, and taken to
    /// be the compute's own.
    func claim(_ machine: Machine) async throws {
        let directory = directory(machine.id)
        let owner = "\(machine.createdAtMs)"
        if let known = MachineFiles.text(directory.owner, limit: Self.ownerLimit) {
            guard known != owner else { return }
            try await process(machine.id).halt()
            await copies.endAll(in: directory.diskFolder)
            try MachineFiles.move(directory.diskFolder, to: "\(directory.diskFolder).left-by-\(known)")
        }
        try await MachineFiles.makeFolder(directory.path, as: .makeFolder)
        if directory.sharesDisk {
            try await MachineFiles.makeFolder(directory.diskFolder, as: .makeFolder)
        }
        try await MachineFiles.write(owner.utf8, to: directory.owner, as: .claimFolder)
    }

    /// Milliseconds since 1970 have 13 digits.
    private static let ownerLimit = 32
}
