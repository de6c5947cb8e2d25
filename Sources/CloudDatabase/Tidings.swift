import CloudCore

/// Whom a write concerns, told by whoever makes it. It is passed on once the write is committed, and never else.
public enum Tiding: Sendable, Hashable {
    /// Something of the team's that can be seen has changed: an event was appended, or a state has changed.
    case team(Int64)
    /// The job of this resource was made due.
    case due(Int64)
}

/// What one or more writes have to tell. Bounded.
public struct Tidings: Sendable, Equatable {
    /// Whose changes can be seen; once there are too many, some are left out (`concerned`).
    public private(set) var teams: Set<Int64> = []
    /// Whose jobs were made due.
    public private(set) var due: Set<Int64> = []

    /// Teams or jobs at most that are told by name. A worker that is not told of its job looks by itself every second.
    static let most = 1000

    /// The teams; `nil`: any may be concerned.
    var concerned: Set<Int64>? { teams.count < Self.most ? teams : nil }

    public init() {}

    public var isEmpty: Bool { teams.isEmpty && due.isEmpty }

    public mutating func add(_ tiding: Tiding) {
        switch tiding {
        case .team(let id): if teams.count < Self.most { teams.insert(id) }
        case .due(let id): if due.count < Self.most { due.insert(id) }
        }
    }

    public mutating func add(_ more: Tidings) {
        for id in more.teams { add(.team(id)) }
        for id in more.due { add(.due(id)) }
    }
}
