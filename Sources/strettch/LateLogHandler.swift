import Logging

/// Hands metadata over when something is logged, and not whenever it is set: each request sets its id, which swift-log's own
/// handler puts into words at once, and few have anything logged.
struct LateLogHandler<Handler: LogHandler>: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    let handler: Handler

    /// - Parameter handler: has no metadata of its own.
    init(_ handler: Handler) { self.handler = handler }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var event = event
        event.metadata = allMetadata(of: event)
        handler.log(event: event)
    }
}

extension LogHandler {
    /// What a line has: what was set before it, what is provided at the moment, and what it brings, which goes first.
    func allMetadata(of event: LogEvent) -> Logger.Metadata {
        metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
    }
}
