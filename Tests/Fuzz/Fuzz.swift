internal import CFuzzer
internal import Glibc

/// Runs one parser on input that libFuzzer invents: `fuzz turbostat|powercap|topology [libFuzzer's arguments]`.
///
/// A crash is a trap or a broken promise (`precondition`).
@main
enum Fuzz {
  static func main() {
    let names = ["turbostat", "powercap", "topology"]
    guard let name = CommandLine.arguments.dropFirst().first, names.contains(name) else {
      print("Usage: fuzz \(names.joined(separator: "|")) [libFuzzer's arguments]")
      exit(64)
    }
    var count = CommandLine.argc - 1
    // libFuzzer takes the name for its own program's.
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
    let status =
      switch name {
      case "turbostat":
        LLVMFuzzerRunDriver(&count, &arguments) { fuzzTurbostat(UnsafeBufferPointer(start: $0, count: $1)) }
      case "powercap":
        LLVMFuzzerRunDriver(&count, &arguments) { fuzzPowercap(UnsafeBufferPointer(start: $0, count: $1)) }
      default: LLVMFuzzerRunDriver(&count, &arguments) { fuzzTopology(UnsafeBufferPointer(start: $0, count: $1)) }
      }
    exit(status)
  }
}
