internal import Formatting

/// One finding of the doctor.
public struct Finding: Sendable, Equatable {
  /// How it affects measuring.
  public enum Level: String, Sendable {
    /// As it should be, or good to know.
    case ok
    /// It does not matter on this machine.
    case skipped
    /// Measuring works, but could be better.
    case warning
    /// It keeps this machine from being measured.
    case failure
  }

  /// The subject.
  public enum Topic: String, Sendable, CaseIterable {
    case cpu = "CPU"
    case virtualMachine = "virtual machine"
    case container = "container"
    case topology = "packages"
    case devices = "msr"
    case capability = "capability"
    case lockdown = "lockdown"
    case registers = "registers"
    case perf = "perf"
    case powercap = "powercap"
    case limits = "limits"
    case trace = "trace"
    case turbostat = "turbostat"
    case service = "service"
    case monitors = "other monitors"
  }

  /// How it affects measuring.
  public var level: Level
  /// The subject.
  public let topic: Topic
  /// One sentence.
  public let text: String
  /// The fix: a command, or a sentence.
  public var fix: String?

  /// Whether an earlier finding has the same fix.
  public var repeatsFix = false

  /// The finding in columns, with the fix on a line of its own, unless it repeats an earlier one.
  public var lines: String {
    let width = Topic.allCases.map(\.rawValue.count).max() ?? 0
    let head = "\(Columns.left(level.rawValue, 9))\(Columns.left(topic.rawValue, width + 2))"
    let fix = (repeatsFix ? nil : fix).map { "\n\(String(repeating: " ", count: head.count))To do: \($0.harmless)" }
    return "\(head)\(text.harmless)\(fix ?? "")"
  }
}
