/// What can go wrong between us and a monitor.
public enum QMPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Nobody listens on the socket, or it can't be opened.
    case cannotConnect(path: String, reason: String)
    /// The monitor answered with an error; class and description are its own words.
    case refused(class: String, description: String)
    /// The connection ended before the answer came.
    case closed
    /// No answer within the time given. The command may still take effect.
    case timedOut(command: String)
    /// The other side does not speak the protocol; holds the beginning of what it said.
    case malformed(String)

    public var description: String {
        switch self {
        case .cannotConnect(let path, let reason): "can't connect to the monitor at \(path): \(reason)"
        case .refused(let name, let text): "the monitor refused: \(name): \(text)"
        case .closed: "the monitor closed the connection before it answered"
        case .timedOut(let command): "the monitor did not answer \(command) in time"
        case .malformed(let line): "the monitor said what is not its protocol: \(line)"
        }
    }
}
