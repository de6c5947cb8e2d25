import CloudWire
import Foundation

/// The keywords of JSON Schema 2020-12 that the document may use. Any other is an error of the document: a keyword
/// that is silently ignored is a rule that nobody checks.
enum SchemaKeyword: String, CaseIterable {
    case reference = "$ref"
    case type, const, format, pattern, properties, required, additionalProperties, items
    case enumeration = "enum"
    case minLength, maxLength, minItems, maxItems, minimum, maximum, uniqueItems
    case anyOf, oneOf, allOf

    /// Keywords that say nothing about whether a value is valid.
    static let annotations: Set<String> = [
        "description", "title", "default", "deprecated", "examples", "example",
    ]
}

/// Checks values against schemas of one document.
struct SchemaChecker {
    /// The document that `$ref` points into.
    var root: JSONValue
    /// The longest chain of schemas inside schemas that is followed, against references in a circle.
    static let maxDepth = 64

    /// What is wrong with `value`, each with its place: `data.id: …`. Empty when it is valid.
    func problems(_ value: JSONValue, schema: JSONValue, at place: String, depth: Int = 0) -> [String] {
        guard depth < Self.maxDepth else { return ["\(place): schemas lead in a circle"] }
        if case .bool(let allowed) = schema { return allowed ? [] : ["\(place): must not be there"] }
        guard let members = schema.object else { return ["\(place): the schema is no object"] }
        return members.sorted { $0.key < $1.key }.flatMap { keyword, operand -> [String] in
            if SchemaKeyword.annotations.contains(keyword) { return [] }
            guard let keyword = SchemaKeyword(rawValue: keyword) else {
                return ["\(place): the schema has the unknown keyword \(keyword)"]
            }
            return check(value, keyword, operand, schema: members, at: place, depth: depth + 1)
        }
    }

    private func check(
        _ value: JSONValue, _ keyword: SchemaKeyword, _ operand: JSONValue, schema: [String: JSONValue],
        at place: String, depth: Int
    ) -> [String] {
        switch keyword {
        case .reference:
            guard let target = resolve(operand) else {
                return ["\(place): \(operand.excerpt()) leads nowhere"]
            }
            return problems(value, schema: target, at: place, depth: depth)
        case .type:
            let allowed = operand.array?.compactMap(\.string) ?? [operand.string].compactMap(\.self)
            return expect(
                !Set(allowed).isDisjoint(with: value.typeNames), place, value,
                "is no \(allowed.joined(separator: " or "))")
        case .const: return expect(value == operand, place, value, "is not \(operand.excerpt())")
        case .enumeration:
            let allowed = operand.array ?? []
            let names = allowed.map { $0.excerpt() }.joined(separator: ", ")
            return expect(allowed.contains(value), place, value, "is none of \(names)")
        case .format, .pattern, .minLength, .maxLength:
            guard case .string(let text) = value else { return [] }
            return checkText(text, keyword, operand, at: place)
        case .minimum, .maximum:
            guard let number = value.number, let bound = operand.number else { return [] }
            let holds = keyword == .minimum ? number >= bound : number <= bound
            return expect(holds, place, value, "is beyond the \(keyword.rawValue) \(operand.excerpt())")
        case .minItems, .maxItems, .uniqueItems, .items:
            guard case .array(let items) = value else { return [] }
            return checkItems(items, keyword, operand, at: place, depth: depth)
        case .properties, .required, .additionalProperties:
            guard case .object(let members) = value else { return [] }
            return checkMembers(members, keyword, operand, schema: schema, at: place, depth: depth)
        case .allOf:
            return (operand.array ?? []).flatMap { problems(value, schema: $0, at: place, depth: depth) }
        case .anyOf, .oneOf:
            let valid = (operand.array ?? []).count {
                problems(value, schema: $0, at: place, depth: depth).isEmpty
            }
            let holds = keyword == .anyOf ? valid >= 1 : valid == 1
            return expect(holds, place, value, "matches \(valid) alternatives of \(keyword.rawValue)")
        }
    }

    private func checkText(
        _ text: String, _ keyword: SchemaKeyword, _ operand: JSONValue, at place: String
    ) -> [String] {
        let length = text.unicodeScalars.count
        switch keyword {
        case .minLength: return expect(length >= bound(operand), place, .string(text), "is too short")
        case .maxLength: return expect(length <= bound(operand), place, .string(text), "is too long")
        case .pattern:
            let pattern = operand.string ?? ""
            return expect(
                SchemaText.matches(text, pattern: pattern), place, .string(text), "does not match \(pattern)")
        case .format:
            guard let format = SchemaText.Format(rawValue: operand.string ?? "") else {
                return ["\(place): the schema has the unknown format \(operand.excerpt())"]
            }
            return expect(SchemaText.matches(text, format), place, .string(text), "is no \(format.rawValue)")
        default: return ["\(place): \(keyword.rawValue) is no keyword for texts"]
        }
    }

    private func checkItems(
        _ items: [JSONValue], _ keyword: SchemaKeyword, _ operand: JSONValue, at place: String, depth: Int
    ) -> [String] {
        switch keyword {
        case .minItems: expect(items.count >= bound(operand), place, .array(items), "has too few items")
        case .maxItems: expect(items.count <= bound(operand), place, .array(items), "has too many items")
        case .uniqueItems:
            expect(
                operand != .bool(true) || Set(items).count == items.count, place, .array(items),
                "repeats an item")
        case .items:
            items.enumerated().flatMap { index, item in
                problems(item, schema: operand, at: "\(place)[\(index)]", depth: depth)
            }
        default: ["\(place): \(keyword.rawValue) is no keyword for lists"]
        }
    }

    private func checkMembers(
        _ members: [String: JSONValue], _ keyword: SchemaKeyword, _ operand: JSONValue,
        schema: [String: JSONValue], at place: String, depth: Int
    ) -> [String] {
        switch keyword {
        case .required:
            let missing = (operand.array ?? []).compactMap(\.string).filter { members[$0] == nil }
            return missing.map { "\(place).\($0): is missing" }
        case .properties:
            let declared = (operand.object ?? [:]).sorted { $0.key < $1.key }
            return declared.flatMap { name, schema in
                members[name].map { problems($0, schema: schema, at: "\(place).\(name)", depth: depth) } ?? []
            }
        case .additionalProperties:
            let declared = schema["properties"]?.object ?? [:]
            let others = members.filter { declared[$0.key] == nil }.sorted { $0.key < $1.key }
            return others.flatMap { name, value in
                operand == .bool(false)
                    ? ["\(place).\(name): is not declared"]
                    : problems(value, schema: operand, at: "\(place).\(name)", depth: depth)
            }
        default: return ["\(place): \(keyword.rawValue) is no keyword for objects"]
        }
    }

    /// What a `{"$ref": "#/…"}` points to.
    func resolve(_ reference: JSONValue) -> JSONValue? {
        guard let text = reference.string, text.hasPrefix("#/") else { return nil }
        return root.at(pointer: String(text.dropFirst()))
    }

    private func bound(_ operand: JSONValue) -> Int { Int(operand.number ?? 0) }

    private func expect(_ holds: Bool, _ place: String, _ value: JSONValue, _ fault: String) -> [String] {
        holds ? [] : ["\(place): \(value.excerpt()) \(fault)"]
    }
}
