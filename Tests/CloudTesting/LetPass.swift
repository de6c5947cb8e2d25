/// Returns after so long. For a harness that acts at random moments; a test that waits for something asks `eventually`.
public func letPass(_ duration: Duration) async throws { try await Task.sleep(for: duration) }
