import CloudDatabase
import CloudSimulation

/// What a planted bug makes of one statement.
enum Change {
    /// Nothing: it is run as it is.
    case none
    /// It is not run, and the caller is told that it changed so many rows.
    case skip(changed: Int = 1)
    /// Another is run.
    case replace(String, [any SQLArgument])
    /// It is not run, and these rows are its answer.
    case answer([SQLRow])
}

/// A statement on its way to the database.
struct Statement {
    var text: String
    var arguments: [any SQLArgument]
    var context: Sabotage.Context
    /// The database itself, for what the bug does besides.
    var database: any SQLConnection

    func has(_ part: String) -> Bool { text.contains(part) }

    /// The text bound to `$number`; `nil` for anything else.
    func text(_ number: Int) -> String? {
        guard arguments.indices.contains(number - 1), case .text(let text) = arguments[number - 1].sqlValue
        else { return nil }
        return text
    }

    /// The number bound to `$number`; `nil` for anything else.
    func int(_ number: Int) -> Int64? {
        guard arguments.indices.contains(number - 1), case .int(let int) = arguments[number - 1].sqlValue
        else { return nil }
        return int
    }

    /// The same with other values bound, by number.
    func with(_ values: [Int: any SQLArgument]) -> Change {
        var arguments = arguments
        for (number, value) in values { arguments[number - 1] = value }
        return .replace(text, arguments)
    }
}

/// A connection on which a planted bug changes statements.
struct RewritingConnection: SQLConnection {
    let database: any SQLConnection
    let context: Sabotage.Context
    let rewrite: @Sendable (Statement) throws -> Change

    var dialect: Dialect { database.dialect }

    func query(_ sql: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
        switch try change(sql, arguments) {
        case .none, .skip: try database.query(sql, arguments)
        case .replace(let text, let arguments): try database.query(text, arguments)
        case .answer(let rows): rows
        }
    }

    func execute(_ sql: String, _ arguments: [any SQLArgument]) throws -> Int {
        switch try change(sql, arguments) {
        case .none, .answer: try database.execute(sql, arguments)
        case .replace(let text, let arguments): try database.execute(text, arguments)
        case .skip(let changed): changed
        }
    }

    func tell(_ tiding: Tiding) { database.tell(tiding) }

    private func change(_ sql: String, _ arguments: [any SQLArgument]) throws -> Change {
        try rewrite(Statement(text: sql, arguments: arguments, context: context, database: database))
    }
}

extension Sabotage {
    /// A bug in what is asked of the database.
    static func sql(_ rewrite: @escaping @Sendable (Statement) throws -> Change) -> Sabotage {
        Sabotage(connection: { RewritingConnection(database: $0, context: $1, rewrite: rewrite) })
    }

    /// Statements that have this part are not run.
    static func skipping(_ part: String) -> Sabotage { .sql { $0.has(part) ? .skip() : .none } }
}
