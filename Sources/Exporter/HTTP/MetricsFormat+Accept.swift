public import Formats
internal import Formatting

extension MetricsFormat {
  /// The format that a scraper prefers.
  ///
  /// - Parameter accept: the media ranges of its Accept header, in any order; see RFC 9110, section 12.5.1.
  /// - Returns: the format with the higher quality, the classic one if both are equal. A scraper that accepts neither also gets
  ///   the classic one: every scraper can read it, and 406 would be less helpful to a person with a browser.
  public static func preferred(accept: some Sequence<some StringProtocol>) -> Self {
    let ranges = accept.compactMap { MediaRange(String($0)) }
    return openMetrics.quality(ranges) > classic.quality(ranges) ? .openMetrics : .classic
  }

  /// The quality that the most specific matching range gives to this format; 0 if none matches.
  private func quality(_ ranges: [MediaRange]) -> Double {
    guard let own = MediaRange(contentType) else { return 0 }
    return ranges.compactMap { range in range.precision(for: own).map { ($0, range.quality) } }.max { $0 < $1 }?.1 ?? 0
  }
}

/// One element of an Accept header: "text/*;q=0.5".
private struct MediaRange {
  let type: String
  let subtype: String
  private(set) var parameters: [String: String] = [:]
  private(set) var quality = 1.0

  /// - Returns: nil for anything that is not a media range; it is then ignored.
  init?(_ text: String) {
    let pieces = text.split(separator: ";", omittingEmptySubsequences: false).map(\.trimmed)
    let names = pieces[0].lowercased().split(separator: "/", omittingEmptySubsequences: false)
    guard names.count == 2, !names[0].isEmpty, !names[1].isEmpty, names[0] != "*" || names[1] == "*" else { return nil }
    (type, subtype) = (String(names[0]), String(names[1]))
    for piece in pieces.dropFirst() where !piece.isEmpty {
      let sides = piece.split(separator: "=", maxSplits: 1).map(\.trimmed)
      guard sides.count == 2 else { return nil }
      let value = sides[1].filter { $0 != "\"" }.lowercased()
      switch sides[0].lowercased() {
      case "q":
        guard let quality = Double(value), (0...1).contains(quality) else { return nil }
        self.quality = quality
      // The escaping of names with other than ASCII letters: we have none.
      case "escaping": break
      case let name: parameters[name] = value
      }
    }
  }

  /// How precisely it names a media type: the number of its parts; nil if it means another type.
  func precision(for known: Self) -> Int? {
    if type == "*" { return parameters.isEmpty ? 0 : nil }
    guard type == known.type else { return nil }
    if subtype == "*" { return parameters.isEmpty ? 1 : nil }
    guard subtype == known.subtype, parameters.allSatisfy({ known.parameters[$0] == $1 }) else { return nil }
    return 2 + parameters.count
  }
}
