import CloudCore

extension QEMUHost {
    public func inventory() async throws -> [Int64: MachineParts] { try all() }

    /// Not asynchronous itself: Swift 6.3's optimizer crashes on a throwing closure within a function that is.
    private func all() throws -> [Int64: MachineParts] {
        let (folders, processes) = try found()
        return try processes.union(folders).reduce(into: [:]) { parts, id in
            parts[id] = try self.parts(id, hasProcess: processes.contains(id))
        }
    }

    public func machineIds() async throws -> Set<Int64> {
        let (folders, processes) = try found()
        return folders.union(processes)
    }

    private func found() throws -> (folders: Set<Int64>, processes: Set<Int64>) {
        (try MachineFiles.ids(in: MachineDirectory.all(settings.dataDirectory)), Set(try table.all().keys))
    }

    public func parts(of id: Int64) async throws -> MachineParts {
        let process = try table.process(of: id, in: directory(id))
        return try parts(id, hasProcess: process != nil)
    }

    private func parts(_ id: Int64, hasProcess: Bool) throws -> MachineParts {
        MachineParts(
            hasProcess: hasProcess, hasDisk: MachineFiles.exists(directory(id).disk),
            hasSeed: MachineFiles.exists(directory(id).seed), isCutOff: hasProcess ? try isCutOff(id) : false)
    }

    private func isCutOff(_ id: Int64) throws -> Bool {
        switch networkMode {
        case .user: false
        case .bridged:
            switch try TapState(
                of: NetworkNames(prefix: NetworkSettings.defaultNamePrefix).tap(computeId: id))
            {
            case .absent, .unused: true
            case .used, .down: false
            }
        }
    }
}
