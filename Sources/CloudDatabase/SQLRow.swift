import CloudCore

/// A row of an answer. The accessors throw `.bug` on a missing column or another type: the schema says what is there.
public struct SQLRow: Sendable, Equatable {
    /// Shared by the rows of an answer.
    private let shape: SQLColumns
    /// As many as columns, in the same order.
    public private(set) var values: [SQLValue]

    public var columns: [String] { shape.names }

    init(columns: SQLColumns, values: [SQLValue]) {
        shape = columns
        self.values = values
    }

    public init(_ values: KeyValuePairs<String, SQLValue>) {
        self.init(columns: SQLColumns(values.map(\.key)), values: values.map(\.value))
    }

    /// `nil` where there is no such column; of two with one name it is the last.
    public subscript(column: String) -> SQLValue? { shape[column].map { values[$0] } }

    /// The row with another value in a column that it has.
    public func with(_ column: String, _ value: SQLValue) -> SQLRow {
        var row = self
        if let index = shape[column] { row.values[index] = value }
        return row
    }

    public func int(_ column: String) throws -> Int64 {
        guard case .int(let value) = self[column] else { throw mismatch(column, "an integer") }
        return value
    }

    public func intOrNil(_ column: String) throws -> Int64? {
        switch self[column] {
        case .null: nil
        case .int(let value): value
        default: throw mismatch(column, "an integer")
        }
    }

    public func text(_ column: String) throws -> String {
        guard case .text(let value) = self[column] else { throw mismatch(column, "text") }
        return value
    }

    public func textOrNil(_ column: String) throws -> String? {
        switch self[column] {
        case .null: nil
        case .text(let value): value
        default: throw mismatch(column, "text")
        }
    }

    /// A value of one of our enums, kept as its raw text.
    public func value<E: RawRepresentable<String>>(_ column: String, _: E.Type = E.self) throws -> E {
        let raw = try text(column)
        guard let value = E(rawValue: raw) else { throw mismatch(column, "a known \(E.self), but '\(raw)'") }
        return value
    }

    public func valueOrNil<E: RawRepresentable<String>>(_ column: String, _: E.Type = E.self) throws -> E? {
        self[column] == .null ? nil : try value(column)
    }

    private func mismatch(_ column: String, _ wanted: String) -> CloudError {
        .bug("column \(column) is not \(wanted): \(self[column].map { "\($0)" } ?? "absent")")
    }
}

/// The names of an answer's columns, in order.
final class SQLColumns: Sendable, Equatable {
    let names: [String]
    private let indices: [String: Int]

    init(_ names: [String]) {
        self.names = names
        indices = Dictionary(zip(names, names.indices)) { $1 }
    }

    subscript(name: String) -> Int? { indices[name] }

    static func == (one: SQLColumns, other: SQLColumns) -> Bool { one === other || one.names == other.names }
}
