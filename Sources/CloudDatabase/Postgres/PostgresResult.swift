import CPostgres
import CloudCore

/// The answer to one statement.
final class PostgresResult {
    private let result: OpaquePointer

    /// Takes over what libpq returned. Throws what the server said in place of an answer.
    init(_ result: OpaquePointer?, of client: PostgresClient) throws {
        guard let result else {
            throw PostgresError(state: "08006", message: client.lastMessage, isLost: true)
        }
        self.result = result
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY, PGRES_PIPELINE_SYNC: break
        default:
            // Safe: copied before the result is freed. 67 is PG_DIAG_SQLSTATE, 'C'.
            let state = PQresultErrorField(result, 67).map { String(cString: $0) } ?? ""
            throw PostgresError(
                state: state, message: String(cString: PQresultErrorMessage(result)),
                isLost: client.isLost || PostgresError.ends(state))
        }
    }

    // Safe: nobody else has the result.
    deinit { PQclear(result) }

    /// What was done, such as `UPDATE 3`.
    var tag: String { String(cString: PQcmdStatus(result)) }

    /// The number of rows that were returned or changed.
    var count: Int { Int(String(cString: PQcmdTuples(result))) ?? 0 }

    /// Whether rows were changed.
    var hasWritten: Bool {
        count > 0 && ["INSERT", "UPDATE", "DELETE"].contains { tag.hasPrefix($0) }
    }

    /// The first value of the first row; empty when there is none.
    var firstText: String {
        // Safe: the row and the column exist; copied before the result is freed.
        PQntuples(result) > 0 && PQnfields(result) > 0 ? String(cString: PQgetvalue(result, 0, 0)) : ""
    }

    /// Throws a bug for a column of a type that the two engines don't share.
    func rows() throws -> [SQLRow] {
        let columns = (0..<PQnfields(result)).map { column in
            Column(
                index: column, name: String(cString: PQfname(result, column)), type: PQftype(result, column))
        }
        let names = SQLColumns(columns.map(\.name))
        return try (0..<PQntuples(result)).map { row in
            SQLRow(columns: names, values: try columns.map { try value(row, $0) })
        }
    }

    private struct Column {
        var index: Int32
        var name: String
        var type: Oid
    }

    private func value(_ row: Int32, _ column: Column) throws -> SQLValue {
        // Safe: row and column are within the bounds that libpq gave; copied before the result is freed.
        guard PQgetisnull(result, row, column.index) == 0 else { return .null }
        let text = String(cString: PQgetvalue(result, row, column.index))
        // Type OIDs (pg_type.dat): the integers, boolean, and the texts.
        switch column.type {
        case 20, 21, 23:
            if let int = Int64(text) { return .int(int) }
        case 16: return .int(text == "t" ? 1 : 0)
        case 25, 1042, 1043, 19, 705: return .text(text)
        default: break
        }
        throw CloudError.bug("column \(column.name) is neither integer nor text, but of type \(column.type)")
    }
}
