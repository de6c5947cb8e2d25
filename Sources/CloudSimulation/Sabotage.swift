import CloudCore
import CloudDatabase
import CloudMachines

/// A planted bug, at the seams of the product: what it asks of database and host becomes something else. Shows that the
/// simulation would find a bug of that kind.
public struct Sabotage: Sendable {
    /// Who asks the database.
    public struct Context: Sendable {
        /// The write that is under way; `nil` in a read.
        public var write: DurableWrite?
        /// Which program; -1: the operator.
        public var program: Int
        /// The body of the create that is being answered.
        public var body: String?
    }

    /// What the programs ask of the database goes through this.
    public var connection: @Sendable (any SQLConnection, Context) -> any SQLConnection
    /// What they ask of the host goes through this.
    public var host: @Sendable (any MachineHost) -> any MachineHost
    /// Done to the new database, before there are teams.
    public var schema: @Sendable (any SQLConnection) throws -> Void

    /// The body of the create that the present task answers.
    @TaskLocal static var presentBody: String?

    public init(
        connection: @escaping @Sendable (any SQLConnection, Context) -> any SQLConnection = { sql, _ in sql },
        host: @escaping @Sendable (any MachineHost) -> any MachineHost = { $0 },
        schema: @escaping @Sendable (any SQLConnection) throws -> Void = { _ in }
    ) {
        self.connection = connection
        self.host = host
        self.schema = schema
    }
}
