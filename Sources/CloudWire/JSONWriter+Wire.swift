// What is asked for most writes itself, with its members in the order of their names. A test compares it with the encoder.

extension EnvelopeWire: JSONWritable where Payload: JSONWritable {
    public func write(to json: inout JSONWriter) throws {
        try json.object { json in
            try json.member("data", data)
            json.member("message", message)
            try json.member("meta", ifPresent: meta)
            json.member("requestId", requestId)
            json.member("success", success)
            json.member("timestamp", timestamp)
            if let warnings { json.member("warnings", warnings) }
        }
    }
}

extension MetaWire: JSONWritable {
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("limit", limit)
            json.member("nextCursor", ifPresent: nextCursor)
            json.member("page", ifPresent: page)
            json.member("total", ifPresent: total)
        }
    }
}

extension ErrorWire: JSONWritable {
    public func write(to json: inout JSONWriter) throws {
        try json.object { json in
            json.member("code", code)
            try json.member("errors", ifPresent: errors)
            json.member("message", message)
            json.member("requestId", requestId)
            json.member("success", success)
            json.member("timestamp", timestamp)
        }
    }
}

extension ProblemWire: JSONWritable {
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("field", field)
            json.member("message", message)
        }
    }
}

extension ComputeWire: JSONWritable {
    public func write(to json: inout JSONWriter) throws {
        try json.object { json in
            json.member("cost", ifPresent: cost)
            json.member("createdAt", createdAt)
            json.member("deletionProtection", deletionProtection)
            try json.member("failure", ifPresent: failure)
            json.member("hostName", hostName)
            json.member("id", id)
            json.member("image", image)
            json.member("ipv4", ifPresent: ipv4)
            json.member("privateIpv4", ifPresent: privateIpv4)
            json.member("region", region)
            json.member("specification", specification)
            json.member("sshEndpoint", ifPresent: sshEndpoint)
            json.member("state", state)
            json.member("tags", tags)
            try json.member("task", ifPresent: task)
            json.member("updatedAt", updatedAt)
        }
    }
}

extension SnapshotWire: JSONWritable {
    public func write(to json: inout JSONWriter) throws {
        try json.object { json in
            json.member("computeId", computeId)
            json.member("consistency", ifPresent: consistency)
            json.member("cost", ifPresent: cost)
            json.member("createdAt", createdAt)
            json.member("deletionProtection", deletionProtection)
            try json.member("failure", ifPresent: failure)
            json.member("id", id)
            json.member("image", image)
            json.member("name", name)
            json.member("sizeBytes", ifPresent: sizeBytes)
            json.member("state", state)
            json.member("storageGb", storageGb)
            try json.member("task", ifPresent: task)
            json.member("updatedAt", updatedAt)
        }
    }
}

extension TaskWire: JSONWritable {
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("action", ifPresent: action)
            json.member("attempts", attempts)
            json.member("note", ifPresent: note)
            json.member("since", since)
            json.member("step", step)
        }
    }
}

extension FailureWire: JSONWritable {
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("code", code)
            json.member("message", message)
        }
    }
}

extension EventWire: JSONWritable {
    public func write(to json: inout JSONWriter) throws {
        try json.object { json in
            try json.member("actor", actor)
            json.member("at", at)
            json.member("computeId", ifPresent: computeId)
            json.member("detail", ifPresent: detail)
            json.member("id", id)
            json.member("kind", kind)
            json.member("requestId", ifPresent: requestId)
            try json.member("resource", ifPresent: resource)
        }
    }
}

extension ResourceWire: JSONWritable {
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("id", id)
            json.member("kind", kind)
        }
    }
}

extension ActorWire: JSONWritable {
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("keyId", ifPresent: keyId)
            json.member("keyName", ifPresent: keyName)
            json.member("type", type)
        }
    }
}

// The encoder is quick enough for these.
extension BillingWire: JSONWritable {}
extension LedgerEntryWire: JSONWritable {}
extension ComputeQuoteWire: JSONWritable {}
extension RegionWire: JSONWritable {}
extension ImageWire: JSONWritable {}
extension TeamImageWire: JSONWritable {}
extension AnyImageWire: JSONWritable {}
extension SpecificationWire: JSONWritable {}
extension IdempotencyKeyUseWire: JSONWritable {}
extension HealthWire: JSONWritable {}
extension TeamWire: JSONWritable {}
extension KeyWire: JSONWritable {}
