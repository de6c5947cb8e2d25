/// One start of a machine's QEMU: its arguments, and what it gets open besides its folder's files.
struct MachineLaunch: Sendable {
    var arguments: QEMUArguments
    var disk: MachineDisk.Opened
    /// `nil` in user mode.
    var tap: OpenFile?
    /// The folder of its control group; `nil`: it stays in ours.
    var group: String?

    /// Starts it, and closes our side of all that it gets, so that whatever is left open is its own. Returns what comes
    /// to its end when all that it printed is in its logs.
    func start(_ program: QEMUProgram, _ directory: MachineDirectory) async throws -> OpenFile {
        let vector = try arguments.vector
        return try await HostEffect.startProcess.make {
            let output = try await MachineOutput.open(directory, group: group)
            let files = try arguments.handles.map { try open($0, directory, output) }
            try await program.start(
                vector, files: files, pidFile: directory.pidFile, group: group, log: output.qemu)
            return output.end
        }
    }

    private func open(
        _ handle: QEMUArguments.Handle, _ directory: MachineDirectory, _ output: MachineOutput
    ) throws -> OpenFile {
        switch handle {
        case .disk: disk.disk
        case .base: disk.base
        case .seed: try OpenFile.regular(directory.seed)
        case .monitor: try OpenFile.listener(directory.monitorSocket)
        case .serial: try OpenFile.listener(directory.serialSocket)
        case .consoleLog: output.console
        case .tap: try tap ?? OpenFile.null()
        case .kernel: try OpenFile.regular(arguments.image.kernel?.kernel ?? "")
        case .initrd: try OpenFile.regular(arguments.image.kernel?.initrd ?? "")
        case .agent: try OpenFile.listener(directory.agentSocket)
        }
    }
}
