import CloudWire

/// Faults of the document itself that would make its checks say nothing.
enum OpenAPIDocumentFaults {
    /// The methods that a path can have, as members of its object.
    static let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]
    /// Other members of a path's object that are understood.
    private static let pathMembers: Set<String> = ["parameters", "summary", "description"]

    /// All faults, each with the place where it is. Empty for a usable document.
    static func find(in root: JSONValue) -> [String] {
        var faults: [String] = []
        if root["openapi"]?.string?.hasPrefix("3.1.") != true { faults.append("openapi: is not 3.1") }
        for (path, item) in root["paths"]?.object ?? [:] {
            for member in (item.object ?? [:]).keys
            where !pathMembers.contains(member) && !methods.contains(member) {
                faults.append("paths.\(path): \(member) is not understood")
            }
        }
        search(root, root: root, at: "", &faults)
        return faults.sorted()
    }

    /// Walks the whole document: every `$ref` must lead somewhere, every schema must be made of known keywords.
    private static func search(
        _ value: JSONValue, root: JSONValue, at place: String, _ faults: inout [String]
    ) {
        for (index, item) in (value.array ?? []).enumerated() {
            search(item, root: root, at: "\(place)[\(index)]", &faults)
        }
        for (name, member) in value.object ?? [:] where !["example", "examples", "default"].contains(name) {
            let memberPlace = place.isEmpty ? name : "\(place).\(name)"
            if name == "$ref", SchemaChecker(root: root).resolve(member) == nil {
                faults.append("\(memberPlace): \(member.excerpt()) leads nowhere")
            }
            if name == "content" {
                for (type, media) in member.object ?? [:] {
                    checkMedia(media, type, root: root, at: "\(memberPlace).\(type)", &faults)
                }
            }
            let isSchemaMap = memberPlace == "components.schemas"
            if name == "schema" { check(member, at: memberPlace, &faults) }
            if isSchemaMap {
                for (name, schema) in member.object ?? [:] {
                    check(schema, at: "\(memberPlace).\(name)", &faults)
                }
            }
            search(member, root: root, at: memberPlace, &faults)
        }
    }

    /// JSON has a schema. Of bytes only their number can be checked (OpenAPI 3.1, "Working with Binary Data").
    private static func checkMedia(
        _ media: JSONValue, _ type: String, root: JSONValue, at place: String, _ faults: inout [String]
    ) {
        let schema = media["schema"]
        switch MediaKind(type) {
        case .json where schema == nil: faults.append("\(place): has no schema")
        case .json, .text: break
        case .bytes:
            let known = SchemaKeyword.annotations.union([SchemaKeyword.maxLength.rawValue])
            for keyword in (schema?.object ?? [:]).keys where !known.contains(keyword) {
                faults.append("\(place).schema.\(keyword): can't be checked on bytes")
            }
        }
    }

    /// A schema and the schemas inside it, each made of known keywords with operands of the right kind.
    private static func check(_ schema: JSONValue, at place: String, _ faults: inout [String]) {
        if schema.bool != nil { return }
        guard let members = schema.object else {
            faults.append("\(place): is no schema")
            return
        }
        for (name, operand) in members where !SchemaKeyword.annotations.contains(name) {
            guard let keyword = SchemaKeyword(rawValue: name) else {
                faults.append("\(place).\(name): is a keyword that is not checked")
                continue
            }
            if !isOperand(operand, of: keyword) {
                faults.append("\(place).\(name): \(operand.excerpt()) can't be")
            }
            for (inner, schema) in innerSchemas(of: keyword, operand) {
                check(schema, at: "\(place).\(name)\(inner)", &faults)
            }
        }
    }

    private static func isOperand(_ operand: JSONValue, of keyword: SchemaKeyword) -> Bool {
        switch keyword {
        case .reference: operand.string?.hasPrefix("#/") == true
        case .type: !types(operand).isEmpty && types(operand).allSatisfy(typeNames.contains)
        case .const: true
        case .format: SchemaText.Format(rawValue: operand.string ?? "") != nil
        case .pattern: operand.string.map { SchemaText.compiled($0) != nil } ?? false
        case .properties: operand.object != nil
        case .required: operand.array?.allSatisfy { $0.string != nil } ?? false
        case .additionalProperties, .items: operand.object != nil || operand.bool != nil
        case .enumeration, .anyOf, .oneOf, .allOf: !(operand.array ?? []).isEmpty
        case .minLength, .maxLength, .minItems, .maxItems: operand.typeNames.contains("integer")
        case .minimum, .maximum: operand.number != nil
        case .uniqueItems: operand.bool != nil
        }
    }

    private static func innerSchemas(of keyword: SchemaKeyword, _ operand: JSONValue) -> [(String, JSONValue)]
    {
        switch keyword {
        case .properties: (operand.object ?? [:]).map { (".\($0.key)", $0.value) }
        case .additionalProperties, .items: [("", operand)]
        case .anyOf, .oneOf, .allOf: (operand.array ?? []).enumerated().map { ("[\($0.offset)]", $0.element) }
        case .reference, .type, .const, .format, .pattern, .required, .enumeration, .minLength, .maxLength,
            .minItems, .maxItems, .minimum, .maximum, .uniqueItems:
            []
        }
    }

    private static let typeNames: Set<String> = [
        "null", "boolean", "integer", "number", "string", "array", "object",
    ]

    private static func types(_ operand: JSONValue) -> [String] {
        operand.array?.map { $0.string ?? "" } ?? [operand.string ?? ""]
    }
}
