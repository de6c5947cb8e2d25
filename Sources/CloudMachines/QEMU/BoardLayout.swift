/// Which devices a guest's board has, besides those that each has had always. A guest keeps the one that it was started on,
/// wherever it moves.
enum BoardLayout: Int, Sendable, CaseIterable {
    /// None.
    case first = 1
    /// A port for the guest's agent; a balloon, by which the host gets back what the guest does not use, and learns how
    /// much that is; and empty ports, into which disks can be plugged while the guest runs.
    case agent = 2

    /// Of guests that start now.
    static let present = BoardLayout.agent

    /// The monitor's name for the agent's socket.
    static let agentName = "agent"
    /// What QEMU's guest agent looks for (`qemu-ga`).
    static let agentPort = "org.qemu.guest_agent.0"
    static let sparePorts = 4
    /// The network's own port has 1 (`QEMUArguments.networkPort`).
    static let firstSpareChassis = 1

    var hasAgent: Bool {
        switch self {
        case .first: false
        case .agent: true
        }
    }

    /// Of a machine with these words, as `/proc/<pid>/cmdline` has them.
    init(commandLine: String) { self = commandLine.contains(Self.agentPort) ? .agent : .first }
}
