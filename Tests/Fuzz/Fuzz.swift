internal import CFuzzer
internal import Glibc

/// Runs one parser on input that libFuzzer invents: `fuzz PARSER [libFuzzer's arguments]`.
///
/// A crash is a trap or a broken promise (`precondition`).
@main
enum Fuzz {
  typealias Parser = @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32

  static func main() {
    let parsers: KeyValuePairs<String, Parser> = [
      "turbostat": { fuzzTurbostat(UnsafeBufferPointer(start: $0, count: $1)) },
      "relay": { fuzzRelay(UnsafeBufferPointer(start: $0, count: $1)) },
      "powercap": { fuzzPowercap(UnsafeBufferPointer(start: $0, count: $1)) },
      "topology": { fuzzTopology(UnsafeBufferPointer(start: $0, count: $1)) },
      "answers": { fuzzAnswers(UnsafeBufferPointer(start: $0, count: $1)) },
      "requests": { fuzzRequests(UnsafeBufferPointer(start: $0, count: $1)) },
    ]
    guard let parser = parsers.first(where: { $0.key == CommandLine.arguments.dropFirst().first }) else {
      print("Usage: fuzz \(parsers.map(\.key).joined(separator: "|")) [libFuzzer's arguments]")
      exit(64)
    }
    var count = CommandLine.argc - 1
    // libFuzzer takes the name for its own program's.
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
    exit(LLVMFuzzerRunDriver(&count, &arguments, parser.value))
  }
}
