internal import Formatting
internal import PowerProtocol

/// What a client sends, in chunks: the input's first byte says how long they are, its second how often the rest is sent, so
/// that limits far beyond an input's length are reached.
func fuzzRequests(_ data: UnsafeBufferPointer<UInt8>) -> Int32 {
  guard data.count >= 2 else { return 0 }
  let rest = data.dropFirst(2)
  let sent = Array(repeatElement(rest, count: 1 + Int(data[1]) % 20).joined())
  let events = events(of: sent, chunk: 1 + Int(data[0]) * 37)
  precondition(events == expected(of: sent))
  // What is sent again reads the same again.
  for case .request(let line) in events.prefix(8) { read(line) }
  return 0
}

/// A request is one that can be sent again, and an error is one line of ASCII.
private func read(_ line: [UInt8]) {
  do throws(RequestError) {
    let request = try Request(parsing: line)
    precondition((try? Request(parsing: request.json.line.dropLast())) == request)
  } catch {
    let answer = error.json.line
    precondition(answer.dropLast().allSatisfy { (0x20...0x7E).contains($0) } && answer.last == UInt8(ascii: "\n"))
  }
}

/// What is cut out of bytes that come in chunks.
private func events(of sent: [UInt8], chunk: Int) -> [RequestStream.Event] {
  var stream = RequestStream()
  var events: [RequestStream.Event] = []
  for start in stride(from: 0, to: sent.count, by: chunk) {
    let wasExhausted = stream.isExhausted
    let new = stream.take(sent[start..<min(start + chunk, sent.count)])
    precondition(!wasExhausted || new.isEmpty && stream.isExhausted)
    events += new
  }
  precondition(stream.isExhausted || sent.first == UInt8(ascii: "{") || sent.count < RequestStream.mostIgnoredBytes)
  return events
}

/// The same by the protocol's words, of all the bytes at once: nothing unless the first is `{`, each finished line, and nothing
/// behind the first that is too long.
private func expected(of sent: [UInt8]) -> [RequestStream.Event] {
  guard sent.first == UInt8(ascii: "{") else { return [] }
  var events: [RequestStream.Event] = []
  let lines = sent.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  for (index, line) in lines.enumerated() {
    guard line.count <= RequestStream.mostRequestBytes else { return events + [.tooLong] }
    if index < lines.count - 1 { events.append(.request(Array(line))) }
  }
  return events
}
