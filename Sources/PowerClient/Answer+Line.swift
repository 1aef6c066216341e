internal import FoundationEssentials
package import PowerProtocol

/// Why a line is no answer.
package struct AnswerError: Error {
  /// What is wrong with it, to stand within a sentence.
  package let why: String
}

extension Answer {
  /// Reads a line of a service, without its newline.
  ///
  /// The protocol is printable ASCII, so a line that passes may be given to a terminal as it is.
  package init(line: [UInt8]) throws(AnswerError) {
    guard line.allSatisfy({ 0x20...0x7E ~= $0 }) else { throw AnswerError(why: "a line is not printable ASCII") }
    do {
      self = try JSONDecoder().decode(Answer.self, from: Data(line))
    } catch {
      let text = String(decoding: line.prefix(80), as: UTF8.self)
      throw AnswerError(why: "a line is no reading (\(text)\(line.count > 80 ? "..." : ""))")
    }
  }
}
